# SPDX-License-Identifier: Apache-2.0
"""Promises about version 1 writers: how their rings are read, and how a writer follows them."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator
from functools import partial

from .outside import slots_of
from .ring_object import MAGIC, RingObject, V1Writer
from .scene import FRAME, PATIENCE_MS, Scene, measured, promise, until
from .semaphores import Semaphore
from .sides import NO_WAIT, Reader, inspect
from .stalls import Stalls
from .tracing import sleeps
from .waiting import expect_length, waits

SILENT, SILENCE_S, LATE_S = 12, 7.0, 0.05  # rings, each with a reader that may look so late
UNKNOWN = 0
NEWER = (
    "media",
    "epoch",
    "writer_pid",
    "writer_start",
    "keyframes",
    "bytes",
    "dropped_busy",
    "dropped_too_large",
    "dropped_no_space",
    "remade",
    "rearmed",
    "realtime_offset_ns",
    "last_publish_ns",
    "v1_signals",
)


@promise
def reads_a_version_1_ring(scene: Scene) -> None:
    """Frames of a version 1 ring come in order, each once; what only newer writers tell is zero."""
    old = V1Writer(scene.path(scene.channel_name))
    old.write(b"before", codec=0)
    reader = scene.reader()
    scene.expect("frames from before", reader.numbers(), [])
    for number in range(1, 40):
        old.write(
            bytes([number]) * 100, is_keyframe=number % 2, width=number, height=3, fps=4, codec=1, timestamp_ms=number
        )
        got = reader.wait(PATIENCE_MS)
        scene.expect("number, bytes", (got.number, got.data), (number, bytes([number]) * 100))
        meta = got.meta
        seen = meta.is_keyframe, meta.width, meta.height, meta.fps, meta.codec, meta.timestamp_ms
        scene.expect("metadata", seen, (number % 2, number, 3, 4, 1, number))
    old.write(b"x", is_keyframe=1)
    view = reader.look(PATIENCE_MS)
    told = view.frame, view.flags, view.capture_ns, view.publish_ns
    scene.expect("frame, flags, capture_ns, publish_ns", told, (40, 1, 0, 0))
    slots = slots_of(scene, scene.channel_name, 30)[1]
    shown = [(slot.whole, slot.frame, slot.flags, slot.capture_ns) for slot in slots[8:11]]
    scene.expect("whole, frame, flags, capture_ns of three slots", shown, [(1, 38, 0, 0), (1, 39, 1, 0), (1, 40, 1, 0)])
    info = inspect(scene.library, scene.channel_name)
    figures = info.version, info.extended, info.state, info.frames, info.slots, info.slot_size
    scene.expect("version, extended, state, frames, slots, slot size", figures, (1, 0, UNKNOWN, 41, 30, 524288))
    for field in NEWER:
        scene.expect(f"{field}, which only newer writers tell", getattr(info, field), 0)


@promise
def trusts_a_version_1_slot_as_far_as_the_format_says(scene: Scene) -> None:
    """A version 1 ring yields 29 frames, without the slot at write_idx, each with its own sequence."""
    for count in (10, 29, 30, 91, 100):
        path = scene.path(scene.channel_name)
        old = V1Writer(path)
        for _ in range(count):
            old.write(b"y")
        for index in (count, count % 30):  # which may be stored modulo 30
            old.ring.set_header(write_idx=index)
            reader = scene.reader(start=2)
            what = f"frames of {count}, write_idx {index}"
            scene.expect(what, reader.numbers(), list(range(max(0, count - 29), count)))
        path.unlink()
    old = V1Writer(scene.path(scene.channel_name))
    reader = scene.reader()
    for _ in range(5):
        old.write(b"z")
        old.ring.set_header(write_idx=old.frames % 30)
    old.ring.set_meta(2, sequence=77)
    scene.expect("frames where one's sequence is another's", reader.numbers(), [0, 1, 3, 4])
    scene.expect("missed", reader.stats()[2], 1)


@promise
def follows_a_version_1_ring_beyond_32_bits(scene: Scene) -> None:
    """A version 1 ring, whose counters have 32 bits, goes on beyond frame 2^32; a reader counts on in 64 bits."""
    old = V1Writer(scene.path(scene.channel_name))
    old.frames = begin = 2**32 - 4
    old.ring.set_header(write_idx=begin, frame_count=begin)
    reader = scene.reader()
    seen = []
    for _ in range(8):
        old.write(FRAME)
        view = reader.look(PATIENCE_MS)
        if view is None:
            break
        seen.append((view.frame, view.meta.sequence, view.missed_before))
    scene.expect("frames, sequences, missed before", seen, [(begin + n, (begin + n) % 2**32, 0) for n in range(8)])
    info = reader.info()
    scene.expect("frames, received, missed", (info.frames, info.received, info.missed), (begin + 8, 8, 0))


@measured
def finds_a_version_1_frame_within_milliseconds(scene: Scene) -> None:
    """A reader finds a version 1 writer's frame within milliseconds, although nobody wakes it."""
    old = V1Writer(scene.path(scene.channel_name))

    def read() -> Iterator[str]:
        reader = scene.reader()
        yield "waits"
        for _ in range(10):
            reader.wait(PATIENCE_MS)
            yield str(time.monotonic())

    def find() -> float:
        """Return how many seconds passed until three of four frames were there."""
        actor = scene.start(read)
        scene.need("a reader", actor.hear(), "waits")
        late = []
        for _ in range(10):
            time.sleep(random.uniform(0.06, 0.08))  # it looks less and less often, down to a limit
            begin = time.monotonic()
            old.write(FRAME)
            late.append(float(actor.hear()) - begin)
        return statistics.quantiles(late, n=4)[2]

    with Stalls() as stalls:
        stalls.judge(scene, "seconds until three of four frames were there", find, 0.01, 0.5)


@promise
def looks_at_a_silent_version_1_ring_five_times_a_second(scene: Scene) -> None:
    """However long a version 1 ring has been silent, its reader looks again within 200 ms."""
    names = [scene.new_name() for _ in range(SILENT)]
    rings = [V1Writer(scene.path(name)) for name in names]

    def read(name: str) -> Iterator[str]:
        reader = scene.reader(name)
        yield "waits"
        reader.wait(PATIENCE_MS)
        yield str(time.monotonic())

    def find() -> float:
        """Return how many seconds passed until the last reader had its ring's frame."""
        readers = [scene.start(partial(read, name)) for name in names]
        for reader in readers:
            scene.need("a reader", reader.hear(), "waits")
        time.sleep(SILENCE_S)
        written = []
        for ring in rings:
            written.append(time.monotonic())
            ring.write(FRAME)
            time.sleep(random.uniform(0, 0.1))  # their readers look at other moments
        return max(float(reader.hear()) - begin for reader, begin in zip(readers, written, strict=True))

    with Stalls() as stalls:
        stalls.judge(scene, "seconds until each reader had its frame", find, 0.2 + LATE_S, LATE_S)


@promise
def leaves_tokens_to_version_1_readers(scene: Scene) -> None:
    """A reader of a version 1 ring takes no token, and changes nothing in the ring."""
    writer = scene.writer()  # creates the semaphores
    with Semaphore(scene, "read") as semaphore:
        semaphore.give()
        path = scene.path(scene.channel_name)
        path.unlink()
        old = V1Writer(path)
        reader = scene.reader()
        old.write(FRAME)
        before = path.read_bytes()
        scene.expect("a frame", reader.wait(PATIENCE_MS).result, 1000)
        scene.expect("tokens that are left", semaphore.tokens, 1)
        scene.expect("the ring is as it was", path.read_bytes() == before, True)
    writer.destroy()


@promise
def knows_when_a_version_1_ring_is_gone(scene: Scene) -> None:
    """A version 1 ring ends when its name is removed: readers get EPIPE, and then find the next ring."""
    path = scene.path(scene.channel_name)
    old = V1Writer(path)
    reader = scene.reader(reconnect=1)
    old.write(FRAME)
    scene.expect("a frame", reader.wait(PATIENCE_MS).result, 1000)
    path.unlink()
    scene.expect("its end", str(reader.wait(PATIENCE_MS).answer), "-1 EPIPE")
    V1Writer(path).write(FRAME[:7])
    scene.expect("size of the next ring's frame", reader.wait(PATIENCE_MS).result, 7)


@promise
def takes_a_version_1_ring_over(scene: Scene) -> None:
    """A writer replaces a version 1 ring and goes on with its numbers, and readers go over."""
    path = scene.path(scene.channel_name)
    old = V1Writer(path)
    for _ in range(7):
        old.write(FRAME)
    reader = scene.reader()
    writer = scene.writer()
    writer.write(FRAME[:9])
    info = writer.info()
    scene.expect("frames, epoch, extended", (info.frames, info.epoch, info.extended), (8, 1, 1))
    found: list[int] = []
    until(lambda: _got(reader, found))
    scene.expect("the reader's first frame", found, [7])
    scene.expect("magic of the new ring", RingObject(path).header("magic"), MAGIC)


def _got(reader: Reader, found: list[int]) -> bool:
    number = reader.wait(100).number
    if number is not None:
        found.append(number)
    return bool(found)


@measured
def waits_at_a_version_1_ring_as_at_any(scene: Scene) -> None:
    """At a version 1 ring, too, a wait lasts as long as it is told, and an interrupt ends it."""
    old, reader = V1Writer(scene.path(scene.channel_name)), scene.reader()
    with Stalls() as stalls:
        for call, wait in waits(scene, reader).items():
            expect_length(scene, f"{call} for 30 ms", lambda wait=wait: wait(30), 0.03, stalls)  # type: ignore[misc]
            before = sleeps()
            scene.expect(f"answers of {call} without a wait", {str(wait(NO_WAIT)) for _ in range(100)}, {"0"})
            scene.expect_in("sleeps in 100 of them", sleeps() - before, 0, 10)
            reader.interrupt()
            scene.expect(f"{call} after an interrupt", str(wait(PATIENCE_MS)), "-1 EINTR")
    old.write(FRAME)
    scene.expect("size of a frame then", reader.wait(PATIENCE_MS).result, 1000)


@promise
def gives_what_is_wanted_of_a_version_1_ring(scene: Scene) -> None:
    """At a version 1 ring, too, start, policy and counts are right, and a lapped view is told."""
    old = V1Writer(scene.path(scene.channel_name))
    for number in range(20):
        old.write(FRAME, is_keyframe=number in (3, 12))
    for start, first in enumerate((20, 19, 0, 12)):
        scene.expect(f"frames of start {start}", scene.reader(start=start).numbers(), list(range(first, 20)))
    keyframes, newest, late = scene.reader(policy=2, start=2), scene.reader(policy=1), scene.reader()
    scene.expect("keyframes", keyframes.numbers(), [3, 12])
    for _ in range(50):
        old.write(FRAME)
    scene.expect("the newest", newest.numbers(), [69])
    scene.expect("frames that are left", late.numbers(), list(range(41, 70)))
    books = [(told.received, told.missed, told.skipped, told.span) for told in (newest.info(), late.info())]
    scene.expect("received, missed, skipped, span of both", books, [(1, 0, 49, 50), (29, 21, 0, 50)])
    old.write(FRAME)
    answer, view = late.acquire()
    scene.expect("acquire", answer.result, 1000)
    for _ in range(30):
        old.write(FRAME)
    scene.expect("release, once the writer came round", late.release(view).result, 1)
    reader = scene.reader()
    old.write(FRAME, codec=2)
    scene.expect("flags of a JPEG", reader.look().flags, 1)
