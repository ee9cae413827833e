# SPDX-License-Identifier: Apache-2.0
"""Promises about another ring under the same name: of another geometry, or of the next writer."""

from __future__ import annotations

from .following import frames_of, told
from .ring_object import RingObject
from .scene import FRAME, PATIENCE_MS, Scene, promise
from .sides import NO_WAIT, Reader, inspect


@promise
def replaces_a_ring_of_another_geometry(scene: Scene) -> None:
    """A dead writer's ring gives way to one of another geometry; counts go on, and readers that reconnect go over."""
    name = scene.new_name()
    actor = scene.start_writer(5, name, slots=4, slot_size=1000)
    reader, lone = scene.reader(name, start=2, reconnect=1), scene.reader(name, start=2)
    reader.numbers()
    before = reader.info()
    actor.kill()
    writer = scene.writer(name, slots=7, slot_size=3000)
    writer.write(bytes(3000), is_keyframe=1)
    info = writer.info()
    scene.expect("slots, slot size", (info.slots, info.slot_size), (7, 3000))
    scene.expect("frames, keyframes, epoch", (info.frames, info.keyframes, info.epoch), (6, 6, 2))
    scene.expect("it is another object", info.inode != before.inode, True)
    seen: list[tuple[object, ...]] = [
        ("-1 EPIPE",) if str(reader.wait(PATIENCE_MS).answer) == "-1 EPIPE" else ("no end told",)
    ]
    seen += frames_of(reader, 1)
    scene.expect("what the reader saw", seen, [("-1 EPIPE",), ("frame", 5, 3, 1)])
    now = reader.info()
    scene.expect("received, missed, reattached", (now.received, now.missed, now.reattached), (5, 0, 1))
    scene.expect("frames, as the reader counts", now.frames, 6)
    scene.expect("frames of a reader that does not reconnect", lone.numbers(), [1, 2, 3, 4])
    scene.expect("and then, for good", [told(lone, 150) for _ in range(3)], ["-1 EPIPE"] * 3)


@promise
def counts_on_in_the_next_ring(scene: Scene) -> None:
    """A reader's figures of what was written and dropped are those of all rings that it has followed."""
    name = scene.new_name()
    reader = Reader(scene.library)
    for ring in (1, 2):
        writer = scene.writer(name, slots=4, slot_size=1000)
        if ring == 1:
            scene.need("a reader is let in", str(reader.open(name, reconnect=1)), "0")
        writer.reserve()
        writer.write(FRAME)  # is dropped
        writer.commit(100, is_keyframe=1)
        writer.write(FRAME)
        writer.write(bytes(1001))
        numbers = [frame[1] for frame in frames_of(reader, 2)]
        scene.expect(f"numbers of ring {ring}", numbers, [0, 1])
        info = reader.info()
        what = f"frames, keyframes, bytes, dropped, busy, too large after ring {ring}"
        seen = info.frames, info.keyframes, info.bytes, info.dropped, info.dropped_busy, info.dropped_too_large
        scene.expect(what, seen, (2 * ring, ring, 1100 * ring, 2 * ring, ring, ring))
        writer.destroy()


@promise
def counts_what_it_missed_in_the_next_ring(scene: Scene) -> None:
    """What a next ring held no more when a reader came to it counts as missed, whether its numbers go on or not."""
    for how, last, slots in (("died", 24, 5), ("closed", 19, 4)):
        name = scene.new_name()
        if how == "died":
            actor = scene.start_writer(5, name, slots=4, slot_size=1000)
        else:
            former = scene.writer(name, slots=4, slot_size=1000)
            former.write(FRAME)
        reader = scene.reader(name, start=2, reconnect=1)
        reader.numbers()
        before = reader.info()
        actor.kill() if how == "died" else former.destroy()
        writer = scene.writer(name, slots=slots, slot_size=1000)  # of another geometry, if the numbers are to go on
        for _ in range(20):
            writer.write(FRAME)
        frames = [frame[1] for frame in frames_of(reader, slots)]
        scene.expect(f"numbers of the next ring, of one that {how}", frames, list(range(last - slots + 1, last + 1)))
        after = reader.info()
        books = after.received - before.received, after.missed - before.missed, after.skipped - before.skipped
        scene.expect(f"received, missed, skipped of the next ring, of one that {how}", books, (slots, 20 - slots, 0))


@promise
def makes_a_ring_of_its_own_media(scene: Scene) -> None:
    """A dead writer's ring of the same geometry, but of other media, gives way to a new one."""
    name = scene.new_name()
    scene.write_and_die(2, name, slots=4, slot_size=1000, media=1)
    before = inspect(scene.library, name)
    scene.writer(name, slots=4, slot_size=1000)
    after = inspect(scene.library, name)
    scene.expect("media before and after", (before.media, after.media), (1, 0))
    scene.expect("it is another object", after.inode != before.inode, True)
    scene.expect("frames", after.frames, 2)


@promise
def goes_over_to_the_next_ring_of_its_name(scene: Scene) -> None:
    """A reader of the original's calls is not told of a close, and gets the next writer's frames."""
    writer, reader = scene.writer(), scene.reader()
    for round_number in range(3):
        writer.write(FRAME)
        scene.expect("size of a frame", reader.wait(PATIENCE_MS).result, 1000)
        writer.destroy()
        scene.expect("what comes then", told(reader, 20), "0")
        writer = scene.writer()
        writer.write(FRAME[:500])
        scene.expect("size of the next one's frame", reader.wait(PATIENCE_MS).result, 500)
        if scene.library.has("consumer_info"):
            info = reader.info()
            scene.expect("reattached, missed", (info.reattached, info.missed), (round_number + 1, 0))
            scene.expect("frames, in all rings that it followed", info.frames, 2 * round_number + 2)


@promise
def tells_the_originals_callers_of_no_end(scene: Scene) -> None:
    """In the original's calls a close or a death is no error: they return 0, then the next writer's frames."""
    for how in ("died", "closed"):
        actor = scene.start_writer(1)
        reader = scene.reader()
        actor.kill()
        if how == "closed":
            scene.writer().destroy()
        answers = [str(reader.read().answer)]
        answers += [told(reader, timeout_ms) for timeout_ms in (NO_WAIT, 50, 1100, 50)]
        scene.expect(f"read, and waits of some lengths, where its writer {how}", answers, ["0"] * 5)
        writer = scene.writer()
        writer.write(FRAME[:70])
        scene.expect("size of the next one's frame", reader.wait(PATIENCE_MS).result, 70)
        writer.destroy()


@promise
def marks_what_comes_of_the_next_ring(scene: Scene) -> None:
    """A next ring's first frame is a discontinuity, after a close, a death, or another geometry."""
    for how in ("closed", "died", "replaced"):
        name = scene.new_name()
        if how == "closed":
            writer = scene.writer(name, slots=4, slot_size=1000)
            writer.write(FRAME)
        else:
            actor = scene.start_writer(1, name, slots=4, slot_size=1000)
        reader = scene.reader(name, start=2, reconnect=1)
        scene.expect("the first frame's flags", reader.look().flags & 2, 0)
        if how == "closed":
            writer.destroy()
        else:
            actor.kill()
        follower = scene.writer(name, slots=5 if how == "replaced" else 4, slot_size=1000)
        follower.place(FRAME)
        follower.place(FRAME)
        flags = [frame[2] for frame in frames_of(reader, 2)]
        scene.expect(f"flags of the next ring's frames, where the writer {how}", flags, [2, 0])


@promise
def refuses_a_successor_it_can_not_serve(scene: Scene) -> None:
    """A next ring with too large slots is told once, with EPROTO; the reader goes over to one that fits."""
    name = scene.new_name()
    writer = scene.writer(name, slots=4, slot_size=1000)
    reader = scene.reader(name, reconnect=1, max_slot_size=1000)
    scene.expect("a reader of smaller slots", str(Reader(scene.library).open(name, max_slot_size=999)), "-1 EPROTO")
    writer.destroy()
    larger = scene.writer(name, slots=4, slot_size=1001)
    said = [told(reader, 500) for _ in range(4)]
    scene.expect("told of the close and of the successor, once each", sorted(said), ["-1 EPIPE", "-1 EPROTO", "0", "0"])
    larger.destroy()
    scene.writer(name, slots=4, slot_size=999).write(FRAME[:999])
    scene.expect("size of the next one's frame", reader.wait(PATIENCE_MS).result, 999)


@promise
def refuses_large_slots_in_the_originals_calls(scene: Scene) -> None:
    """The original's calls refuse slots larger than VIDEO_SHM_MAX_FRAME_SIZE with EPROTO."""
    writer = scene.writer(scene.channel_name, slots=2, slot_size=512 * 1024 + 1)
    scene.expect("a reader of the channel", str(Reader(scene.library).init_channel(scene.channel)), "-1 EPROTO")
    scene.expect("one with options", str(Reader(scene.library).open(scene.channel_name)), "0")
    writer.destroy()


@promise
def never_counts_back(scene: Scene) -> None:
    """A reader's figures never go back, even if somebody sets the ring's own counters back."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=4, slot_size=1000), scene.reader(name)
    for _ in range(10):
        writer.write(FRAME, is_keyframe=1)
    writer.write(bytes(1001))
    reader.numbers()
    figures = ["frames", "keyframes", "bytes", "dropped", "dropped_too_large", "received", "missed", "skipped", "span"]
    before = reader.info()
    RingObject(scene.path(name)).set_extension(frames=3, keyframes=1, bytes=0, dropped_too_large=0)
    now = reader.info()
    for figure in figures:
        scene.expect_in(figure, getattr(now, figure), getattr(before, figure), 2**63)


def _next_number(reader: Reader) -> int:
    """Return the next frame's number, or -1 if none comes."""
    got = reader.wait(PATIENCE_MS)
    return int(got.meta.sequence) if got.result > 0 else -1


@promise
def makes_its_own_ring_anew(scene: Scene) -> None:
    """Init on a handle that has the ring open closes it first; numbers begin at 0 again, and readers go over."""
    writer, reader = scene.writer(), scene.reader()
    other = Reader(scene.library)
    if scene.library.has("producer_open"):
        scene.writer(scene.new_name())  # another one of this process, which must not be affected
    for turn in range(3):
        scene.expect(f"write {turn}", str(writer.write(FRAME)), "0")
        scene.expect(f"the number that a reader gets, {turn}", _next_number(reader), 0)
        scene.expect(f"init again, {turn}", str(writer.init_channel(scene.channel)), "0")
    writer.destroy()
    scene.expect("whether a ring is left", str(other.init_channel(scene.channel)), "-1 ENOENT")
