# SPDX-License-Identifier: Apache-2.0
"""What holds when another ring comes under the name: of another geometry, of the next writer, or somebody else's."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator

from ..stage import await_cue
from .ring_object import CLOSED, RingObject
from .scene import FRAME, PATIENCE_MS, Scene, promise, until
from .sides import Reader, Writer, inspect


def _told(reader: Reader, timeout_ms: int = PATIENCE_MS) -> str:
    return str(reader.wait(timeout_ms).answer)


@promise
def replaces_a_ring_of_another_geometry(scene: Scene) -> None:
    """Under its name, its writer being dead: numbering and counters go on, and readers that reconnect go over."""
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
    seen += _frames(reader, 1)
    scene.expect("what the reader saw", seen, [("-1 EPIPE",), ("frame", 5, 3, 1)])
    now = reader.info()
    scene.expect("received, missed, reattached", (now.received, now.missed, now.reattached), (5, 0, 1))
    scene.expect("frames, as the reader counts", now.frames, 6)
    scene.expect("frames of a reader that does not reconnect", lone.numbers(), [1, 2, 3, 4])
    scene.expect("and then", _told(lone), "-1 EPIPE")


def _look(reader: Reader) -> tuple[object, ...]:
    answer, view = reader.acquire(100)
    if answer.result <= 0:
        return (str(answer),)
    told = view.value.frame, view.value.flags, view.value.attachment
    reader.release(view)
    return ("frame", *told)


@promise
def goes_over_to_the_next_ring_of_its_name(scene: Scene) -> None:
    """A reader of the original's calls: a close is told once, then come the next writer's frames."""
    writer, reader = scene.writer(), scene.reader()
    for round_number in range(3):
        writer.write(FRAME)
        scene.expect("size of a frame", reader.wait(PATIENCE_MS).result, 1000)
        writer.destroy()
        scene.expect("its end", _told(reader), "-1 EPIPE")
        writer = scene.writer()
        writer.write(FRAME[:500])
        scene.expect("size of the next one's frame", reader.wait(PATIENCE_MS).result, 500)
        if scene.library.has("consumer_info"):
            info = reader.info()
            scene.expect("reattached, missed", (info.reattached, info.missed), (round_number + 1, 0))
            scene.expect("frames, in all rings that it followed", info.frames, 2 * round_number + 2)


@promise
def marks_what_comes_of_the_next_ring(scene: Scene) -> None:
    """Its first frame is a discontinuity, whether the writer closed, died, or another geometry replaced it."""
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
        flags = [frame[2] for frame in _frames(reader, 2)]
        scene.expect(f"flags of the next ring's frames, where the writer {how}", flags, [2, 0])


def _frames(reader: Reader, count: int) -> list[tuple[object, ...]]:
    """The next so many, whatever is told between."""
    found: list[tuple[object, ...]] = []

    def look() -> bool:
        seen = _look(reader)
        if seen[0] == "frame":
            found.append(seen)
        return len(found) == count

    until(look)
    return found


@promise
def refuses_a_successor_it_can_not_serve(scene: Scene) -> None:
    """EPROTO, once, where the next ring's slots are larger than max_slot_size; a fitting one is gone over to."""
    name = scene.new_name()
    writer = scene.writer(name, slots=4, slot_size=1000)
    reader = scene.reader(name, reconnect=1, max_slot_size=1000)
    scene.expect("a reader of smaller slots", str(Reader(scene.library).open(name, max_slot_size=999)), "-1 EPROTO")
    writer.destroy()
    larger = scene.writer(name, slots=4, slot_size=1001)
    said = [_told(reader, 500) for _ in range(4)]
    scene.expect("told of the close and of the successor, once each", sorted(said), ["-1 EPIPE", "-1 EPROTO", "0", "0"])
    larger.destroy()
    scene.writer(name, slots=4, slot_size=999).write(FRAME[:999])
    scene.expect("size of the next one's frame", reader.wait(PATIENCE_MS).result, 999)


@promise
def refuses_large_slots_in_the_originals_calls(scene: Scene) -> None:
    """EPROTO: slots larger than VIDEO_SHM_MAX_FRAME_SIZE."""
    writer = scene.writer(scene.channel_name, slots=2, slot_size=512 * 1024 + 1)
    scene.expect("a reader of the channel", str(Reader(scene.library).init_channel(scene.channel)), "-1 EPROTO")
    scene.expect("one with options", str(Reader(scene.library).open(scene.channel_name)), "0")
    writer.destroy()


# ---- its name ----


@promise
def makes_a_ring_anew_whose_name_is_gone(scene: Scene) -> None:
    """Readers that come later need one: within a second, with numbers going on; the others go over to it."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=4096, slot_size=1000), scene.reader(name, reconnect=1)
    writer.write(FRAME)
    reader.wait()
    scene.path(name).unlink()
    begin = time.monotonic()
    there = until(lambda: writer.write(FRAME).result == 0 and scene.path(name).exists())
    scene.need("the name is there again", there, True)
    scene.expect_in("seconds that it took", time.monotonic() - begin, 0, 5)
    info, numbers = writer.info(), list[int]()
    scene.expect("remade", info.remade, 1)
    writer.write(FRAME)
    until(lambda: _follow(reader, numbers) == info.frames)
    scene.expect("the last number that the reader got", numbers[-1], info.frames)
    told = reader.info()
    scene.expect("reattached, missed", (told.reattached, told.missed), (1, 0))
    writer.destroy()
    scene.expect("the name once it is closed", scene.path(name).exists(), False)


def _follow(reader: Reader, numbers: list[int]) -> int:
    number = reader.wait(50).number
    if number is not None:
        numbers.append(number)
    return numbers[-1] if numbers else -1


@promise
def stops_where_its_name_is_somebody_elses(scene: Scene) -> None:
    """ESTALE, for good; its own ring is closed for readers; what is there now stays."""
    name = scene.new_name()
    writer, reader = scene.writer(name, slots=4, slot_size=1000), scene.reader(name)
    other = scene.new_name()
    second = scene.writer(other, slots=4, slot_size=1000)
    ring = RingObject(scene.path(name))
    scene.path(other).rename(scene.path(name))
    stale = until(lambda: writer.write(FRAME).error == "ESTALE")
    scene.need("write says ESTALE in the end", stale, True)
    refused = {"write": writer.write(FRAME), "reserve": writer.reserve()[0]}
    for call, told in refused.items():
        scene.expect(f"{call} then", str(told), "-1 ESTALE")
    scene.expect("state in its own ring", ring.extension("state"), CLOSED)
    reader.numbers()
    scene.expect("its reader is told", _told(reader), "-1 EPIPE")
    writer.destroy()
    scene.expect("the other ring is there", scene.path(name).exists(), True)
    scene.expect("the other writer's write", str(second.write(FRAME)), "0")


@promise
def tells_a_commit_that_it_came_too_late(scene: Scene) -> None:
    """ESTALE of a commit, too, where the name leads elsewhere meanwhile."""
    name, other = scene.new_name(), scene.new_name()
    writer = scene.writer(name, slots=4, slot_size=1000)
    scene.writer(other, slots=4, slot_size=1000)
    scene.path(other).rename(scene.path(name))
    answers: list[str] = []

    def commit() -> bool:
        reserved = writer.reserve()[0]
        answers.append(str(writer.commit(10)) if reserved.result == 0 else f"reserve {reserved}")
        return answers[-1] != "0"

    until(commit)
    scene.expect("the last commit", answers[-1], "-1 ESTALE")


@promise
def notices_that_its_name_leads_elsewhere(scene: Scene) -> None:
    """A reader looks twice a second: another ring under the name is told as the end of this one, and gone over to."""
    name, other = scene.new_name(), scene.new_name()
    writer = scene.writer(name, slots=4, slot_size=1000)
    second = scene.writer(other, slots=4, slot_size=1000)
    lone, reader = scene.reader(name), scene.reader(name, reconnect=1)
    writer.write(FRAME)
    scene.expect("a frame", (lone.wait().number, reader.wait().number), (0, 0))
    before = reader.descriptor().result, os.fstat(reader.descriptor().result).st_ino
    scene.path(other).rename(scene.path(name))
    scene.expect("what the one that does not reconnect is told", _told(lone), "-1 EPIPE")
    scene.expect("what the other is told", _told(reader), "-1 EPIPE")
    second.write(FRAME[:50])
    (frame,) = _frames(reader, 1) or [("none",)]
    scene.expect("frame, flags, attachment", frame, ("frame", 0, 2, 1))
    now = os.fstat(reader.descriptor().result).st_ino
    scene.expect("its descriptor is the new ring's", (now, now != before[1]), (scene.path(name).stat().st_ino, True))


@promise
def never_counts_back(scene: Scene) -> None:
    """A reader's figures, whatever becomes of the ring: also where somebody sets the ring's own counters back."""
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


@promise
def lets_a_claim_hold_nobody_up(scene: Scene) -> None:
    """Somebody who just sits on a dead writer's ring, with a lock of his own, is not waited for for ever."""
    name = scene.new_name()
    scene.write_and_die(2, name, slots=4, slot_size=1000)
    with scene.path(name).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        begin = time.monotonic()
        writer = scene.writer(name, slots=4, slot_size=1000)
        scene.expect_in("seconds until a writer was let in", time.monotonic() - begin, 0, 10)
    scene.expect("its write", str(writer.write(FRAME)), "0")
    scene.expect("frames", writer.info().frames, 3)


@promise
def lets_one_of_many_writers_in(scene: Scene) -> None:
    """Of several that find a dead writer's ring at once, one has it and the others are refused."""

    def play() -> Iterator[str]:
        writer = Writer(scene.library)
        yield "ready"
        await_cue()
        yield str(writer.open(name, slots=4, slot_size=1000))
        await_cue()

    for _ in range(5):
        name = scene.new_name()
        scene.write_and_die(2, name, slots=4, slot_size=1000)
        actors = [scene.start(play) for _ in range(4)]
        for actor in actors:
            scene.need("a writer", actor.hear(), "ready")
        for actor in actors:
            actor.cue()
        told = sorted(actor.hear() for actor in actors)
        scene.expect("their answers", told, ["-1 EBUSY"] * 3 + ["0"])
        scene.expect("epoch", inspect(scene.library, name).epoch, 2)
        for actor in actors:
            actor.kill()
