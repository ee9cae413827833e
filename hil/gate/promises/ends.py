# SPDX-License-Identifier: Apache-2.0
"""Promises about the end of a writer, however it ends, and about the next writer that takes over its ring."""

from __future__ import annotations

from collections.abc import Iterator

from ...workers.shared_memory import ring_names
from ..stage import await_cue
from .following import told
from .scene import FRAME, PATIENCE_MS, Scene, descriptors, mappings_of, promise
from .sides import Reader, Writer, inspect

UNKNOWN, LIVE, ENDED, DEAD = range(4)


def _left(scene: Scene) -> list[str]:
    """Return what exists under names of this promise."""
    folder = scene.path("/")
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(f"_ch{scene.channel}"))


@promise
def tells_readers_of_its_end(scene: Scene) -> None:
    """After a close readers get EPIPE behind the last frame: once with reconnect, and for good without."""
    for reconnect in (0, 1):
        name = scene.new_name()
        writer = scene.writer(name, slots=4, slot_size=1000)
        reader = scene.reader(name, reconnect=reconnect)
        writer.write(FRAME)
        writer.write(FRAME)
        writer.destroy()
        scene.expect("frames before its end is told", [reader.wait().number for _ in range(2)], [0, 1])
        scene.expect("what comes then", told(reader), "-1 EPIPE")
        again = "0" if reconnect else "-1 EPIPE"
        scene.expect(f"and then, with reconnect {reconnect}", [told(reader, 1) for _ in range(2)], [again] * 2)
        scene.expect("state, as the reader has it", reader.info().state, ENDED)


@promise
def leaves_nothing_when_it_closes(scene: Scene) -> None:
    """A close removes ring and semaphores, descriptors and mappings; a second one does nothing."""
    before = len(descriptors())
    writer = scene.writer()
    names = [f"sem.video_sem_read_ch{scene.channel}", f"sem.video_sem_write_ch{scene.channel}"]
    scene.expect("names while it is open", _left(scene), [*names, f"video_stream_ch{scene.channel}"])
    inode = scene.path(scene.channel_name).stat().st_ino
    scene.expect("it is mapped", bool(mappings_of(inode)), True)
    writer.destroy()
    scene.expect("names once it is closed", _left(scene), [])
    scene.expect("descriptors more than before", len(descriptors()) - before, 0)
    scene.expect("mappings of it", mappings_of(inode), [])
    writer.destroy()


@promise
def leaves_nothing_when_it_can_not_open(scene: Scene) -> None:
    """A writer or reader that is refused leaves neither names nor descriptors."""
    first = scene.writer()
    before, names = len(descriptors()), _left(scene)
    for _ in range(20):
        Writer(scene.library).init_channel(scene.channel)
        Reader(scene.library).open("/absent")
        Reader(scene.library).open(scene.channel_name, max_slot_size=100)
    scene.expect("descriptors more than before", len(descriptors()) - before, 0)
    scene.expect("names", _left(scene), names)
    scene.expect("the first one's write", str(first.write(FRAME)), "0")


@promise
def removes_only_what_is_its_own(scene: Scene) -> None:
    """A close leaves names alone that now lead to somebody else's ring and semaphores."""
    name = scene.new_name()
    writer = scene.writer(name, slots=2, slot_size=64)
    scene.path(name).unlink()
    scene.path(name).write_bytes(b"somebody else's")
    writer.destroy()
    scene.expect("what is there", scene.path(name).read_bytes(), b"somebody else's")
    first = scene.writer()
    scene.path(scene.channel_name).unlink()
    second = scene.writer()
    first.destroy()
    left = [path.name for path in ring_names(scene.channel) if not path.exists()]
    scene.expect("names that the next writer lacks", left, [])
    scene.expect("its write", str(second.write(FRAME)), "0")


@promise
def gives_a_reserved_slot_back_when_it_closes(scene: Scene) -> None:
    """A close gives a reserved slot back, and publishes nothing of it."""
    writer = scene.writer()
    reader = scene.reader()
    writer.write(FRAME)
    writer.reserve()
    writer.destroy()
    scene.expect("frames", reader.numbers(), [0])
    scene.expect("commit to the closed handle", str(writer.commit(10)), "-1 EBADF")


@promise
def numbers_anew_after_a_close(scene: Scene) -> None:
    """A ring that is made after a close begins with frame 0 and epoch 1."""
    scene.writer().destroy()
    writer = scene.writer()
    writer.write(FRAME)
    info = writer.info()
    scene.expect("frames, epoch", (info.frames, info.epoch), (1, 1))


# ---- death ----


@promise
def goes_on_after_a_death(scene: Scene) -> None:
    """The next writer takes a dead writer's ring over at once: same object, next frame number, next epoch."""
    actor = scene.start_writer(3)
    reader = scene.reader(start=2)
    for _ in range(3):
        reader.wait()
    before = reader.info()
    actor.kill()
    writer = scene.writer()
    now = writer.info()
    scene.expect("the ring's inode", now.inode, before.inode)
    scene.expect("epoch, frames", (now.epoch, now.frames), (before.epoch + 1, 3))
    writer.write(FRAME)
    writer.write(FRAME)
    view, then = reader.look(PATIENCE_MS), reader.look(PATIENCE_MS)
    scene.expect("frame, flags", (view.frame, view.flags), (3, 2))
    scene.expect("the one behind it", (then.frame, then.flags), (4, 0))
    info = reader.info()
    scene.expect("received, missed, reattached", (info.received, info.missed, info.reattached), (5, 0, 0))
    scene.expect("frames of a new reader", scene.reader(start=2).numbers(), [0, 1, 2, 3, 4])


@promise
def tells_readers_of_its_death(scene: Scene) -> None:
    """After a writer's death readers get EOWNERDEAD once, behind its last frame, then the next writer's frames."""
    for reconnect in (0, 1):
        name = scene.new_name()
        actor = scene.start_writer(3, name, slots=4, slot_size=1000)
        reader = scene.reader(name, start=2, reconnect=reconnect)
        actor.kill()
        scene.expect("frames before it is told", [reader.wait().number for _ in range(3)], [0, 1, 2])
        scene.expect("what comes then", told(reader), "-1 EOWNERDEAD")
        scene.expect("and then", [told(reader, 1) for _ in range(2)], ["0", "0"])
        scene.expect("state for the reader, and from outside", _states(scene, reader, name), (DEAD, DEAD))
        writer = scene.writer(name, slots=4, slot_size=1000)
        writer.write(FRAME)
        scene.expect("size of its follower's frame", reader.wait(PATIENCE_MS).result, 1000)
        scene.expect("state for the reader, and from outside", _states(scene, reader, name), (LIVE, LIVE))
        scene.expect("missed", reader.info().missed, 0)


@promise
def marks_a_restart_whose_first_frame_is_gone(scene: Scene) -> None:
    """A reader's first frame behind a restart is a discontinuity, also where the writer's own first one was lost."""
    for policy, frame in ((0, 7), (1, 10)):
        name = scene.new_name()
        actor = scene.start_writer(2, name, slots=4, slot_size=1000)
        reader = scene.reader(name, start=2, policy=policy)
        reader.numbers()
        actor.kill()
        writer = scene.writer(name, slots=4, slot_size=1000)
        for _ in range(9):
            writer.write(FRAME)
        view = reader.look(PATIENCE_MS)
        scene.expect(f"frame and flags, by policy {policy}", (view.frame, view.flags), (frame, 2))
        writer.write(FRAME)
        then = [seen.flags for seen in iter(reader.look, None)]
        scene.expect(f"flags of those behind it, by policy {policy}", set(then), {0})


@promise
def tells_that_a_dead_writers_ring_was_replaced(scene: Scene) -> None:
    """After a death that was told, a reader that does not reconnect is told of another ring under the name: EPIPE."""
    name = scene.new_name()
    actor = scene.start_writer(1, name, slots=4, slot_size=1000)
    reader = scene.reader(name)
    actor.kill()
    scene.expect("the death", told(reader), "-1 EOWNERDEAD")
    scene.path(name).unlink()
    scene.writer(name, slots=4, slot_size=1000)
    scene.expect("the replacement", told(reader), "-1 EPIPE")


def _states(scene: Scene, reader: Reader, name: str) -> tuple[int, int]:
    return reader.info().state, inspect(scene.library, name).state


@promise
def leaves_its_ring_when_it_dies(scene: Scene) -> None:
    """The ring of a writer that was killed, or ended without a close, stays under its name, in state dead."""

    def end() -> Iterator[str]:
        scene.writer().write(FRAME)
        yield "ends"

    for how in ("killed", "ended"):
        if how == "killed":
            scene.write_and_die()
        else:
            scene.expect("an end without a close", scene.ask(end), ["ends"])
        scene.expect(f"state of a writer that was {how}", inspect(scene.library, scene.channel_name).state, DEAD)
        scene.expect("frames that are left", scene.reader(start=2).numbers(), [0])
        scene.writer().destroy()
        scene.expect("names once its follower has closed", _left(scene), [])


@promise
def loses_only_the_frame_that_was_being_written(scene: Scene) -> None:
    """A writer that dies with a slot reserved loses that frame only; readers get every whole one."""

    def play() -> Iterator[str]:
        writer = scene.writer()
        for number in range(35):
            writer.write(bytes([number]) * 100)
        writer.reserve()
        yield "reserved"
        await_cue()

    actor = scene.start(play)
    scene.need("another process", actor.hear(), "reserved")
    actor.kill()
    writer = scene.writer()
    reader = scene.reader(start=2)
    writer.write(b"x")
    scene.expect("frames", reader.numbers(), list(range(6, 36)))
    scene.expect("dropped", writer.info().dropped, 0)
    scene.expect("a semaphore was found taken", writer.info().rearmed, 1)


@promise
def keeps_its_counters_over_a_death(scene: Scene) -> None:
    """Frames, keyframes, bytes, drops, and semaphores of the dead are counted on when a writer has died."""

    def play() -> Iterator[str]:
        writer = scene.writer()
        for number in range(5):
            writer.write(FRAME, is_keyframe=number % 2 == 0)
        writer.write(bytes(512 * 1024 + 1))
        writer.reserve()
        writer.write(FRAME)
        writer.commit(7)
        writer.reserve()  # takes the write semaphore, which the next writer finds taken
        yield "written"
        await_cue()

    for _ in range(3):
        actor = scene.start(play)
        scene.need("another process", actor.hear(), "written")
        actor.kill()
    info = inspect(scene.library, scene.channel_name)
    scene.expect("frames, keyframes, bytes", (info.frames, info.keyframes, info.bytes), (18, 9, 15021))
    scene.expect("dropped: busy, too large, all", (info.dropped_busy, info.dropped_too_large, info.dropped), (3, 3, 6))
    scene.expect("epoch, rearmed", (info.epoch, info.rearmed), (3, 2))
