# SPDX-License-Identifier: Apache-2.0
"""Version 1 programs: how many they are, what a writer does for its readers, and what a reader makes of its writers."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Iterator

from .ring_object import MAGIC, RingObject, V1Writer
from .scene import FRAME, PATIENCE_MS, Scene, measured, promise, until, until_asleep
from .semaphores import Semaphore
from .sides import Reader, inspect
from .stalls import Stalls

UNKNOWN = 0
NEWER: tuple[str, ...] = (
    "media",
    "epoch",
    "writer_pid",
    "writer_start",
    "keyframes",
    "bytes",
    "dropped_busy",
    "dropped_too_large",
)
NEWER += ("dropped_no_space", "remade", "rearmed", "realtime_offset_ns", "last_publish_ns", "v1_signals")


@promise
def keeps_tokens_few(scene: Scene) -> None:
    """As many as there are version 1 readers, 32 at most, however many frames; none where there is no reader."""
    writer = scene.writer()
    ring = RingObject(scene.path(scene.channel_name))
    with Semaphore(scene, "read") as semaphore:
        writer.write(FRAME)
        scene.expect("tokens without a reader", semaphore.tokens, 0)
        for readers, tokens in ((1, 1), (2, 2), (7, 7), (32, 32), (33, 32), (2**32 - 1, 32)):
            ring.set_header(active_readers=readers)
            for _ in range(5):
                writer.write(FRAME)
            scene.expect(f"tokens for {readers} readers and 5 frames", semaphore.tokens, tokens)
            while semaphore.take():
                pass
        ring.set_header(active_readers=3)
        writer.write(FRAME)
        semaphore.take()
        writer.write(FRAME)
        scene.expect("tokens where one of three was taken", semaphore.tokens, 3)


@promise
def counts_for_version_1_readers(scene: Scene) -> None:
    """write_idx, frame_count and dropped_frames go on with each frame, and the newest lies before write_idx."""
    writer = scene.writer()
    ring = RingObject(scene.path(scene.channel_name))
    for number in range(65):
        writer.write(bytes([number]) * (number + 1))
        index = ring.header("write_idx")
        scene.expect(
            "write_idx modulo 30, frame_count",
            (index % 30, ring.header("frame_count")),
            ((number + 1) % 30, number + 1),
        )
        slot = (index - 1) % 30
        scene.expect(
            "size and sequence before it", (ring.meta(slot, "size"), ring.meta(slot, "sequence")), (number + 1, number)
        )
        scene.expect("payload before it", ring.payload(slot, number + 1), bytes([number]) * (number + 1))
        if number % 13 == 0:
            writer.write(bytes(512 * 1024 + 1))
    scene.expect("dropped_frames", ring.header("dropped_frames"), writer.info().dropped)
    scene.expect("read_idx and active_readers", (ring.header("read_idx"), ring.header("active_readers")), (0, 0))


@promise
def wakes_version_1_readers(scene: Scene) -> None:
    """Each of several that sleep on the semaphore gets a token for a frame."""

    def read() -> Iterator[str]:
        libc = ctypes.CDLL(None)
        libc.sem_open.restype = ctypes.c_void_p
        semaphore = ctypes.c_void_p(libc.sem_open(scene.semaphore("read").encode(), 0))
        yield "waits"
        libc.sem_wait(semaphore)
        yield "awake"

    writer = scene.writer()
    readers = [scene.start(read) for _ in range(4)]
    for reader in readers:
        scene.need("a version 1 reader", reader.hear(), "waits")
    for reader in readers:
        until_asleep(reader.pid)
    RingObject(scene.path(scene.channel_name)).set_header(active_readers=4)
    writer.write(FRAME)
    scene.expect("each of four", [reader.hear() for reader in readers], ["awake"] * 4)


@promise
def is_no_version_1_reader_itself(scene: Scene) -> None:
    """A reader of the library neither counts itself in active_readers nor takes tokens."""
    writer = scene.writer()
    ring = RingObject(scene.path(scene.channel_name))
    readers = [scene.reader() for _ in range(3)]
    scene.expect("active_readers, with three of the library's", ring.header("active_readers"), 0)
    with Semaphore(scene, "read") as semaphore:
        ring.set_header(active_readers=2)
        writer.write(FRAME)
        for reader in readers:
            scene.expect("a frame", reader.wait(PATIENCE_MS).result, 1000)
        scene.expect("tokens that are left", semaphore.tokens, 2)
        scene.expect("v1_readers, as a reader is told", readers[0].info().v1_readers, 2)


@promise
def holds_the_write_semaphore_for_a_frame_only(scene: Scene) -> None:
    """Its value is 1, and 0 while a frame is written."""
    writer = scene.writer()
    with Semaphore(scene, "write") as semaphore:
        scene.expect("tokens of a new ring", semaphore.tokens, 1)
        writer.write(FRAME)
        scene.expect("tokens after a frame", semaphore.tokens, 1)
        writer.reserve()
        scene.expect("tokens while a slot is reserved", semaphore.tokens, 0)
        writer.commit(10)
        scene.expect("tokens after its commit", semaphore.tokens, 1)
        writer.reserve()
        writer.abort()
        scene.expect("tokens after a slot was given back", semaphore.tokens, 1)


@promise
def rearms_a_semaphore_whose_holder_died(scene: Scene) -> None:
    """Taken for over a second, or at the start: it goes on in its place, and counts it."""
    writer = scene.writer()
    with Semaphore(scene, "write") as semaphore:
        semaphore.take()
        begin, dropped = time.monotonic(), 0
        while (answer := writer.write(FRAME)).result == 1 and time.monotonic() - begin < 10:
            dropped += 1
            time.sleep(0.01)
        scene.expect("write at last", str(answer), "0")
        scene.expect_in("seconds until then", time.monotonic() - begin, 1.0, 9.0)
        info = writer.info()
        scene.expect("rearmed, dropped", (info.rearmed, info.dropped_busy), (1, dropped))
        scene.expect("tokens then", semaphore.tokens, 1)
        semaphore.give()  # should he come back after all
        writer.write(FRAME)
        scene.expect_in("tokens once he came back", semaphore.tokens, 1, 2)


@promise
def has_semaphores_for_its_channels_only(scene: Scene) -> None:
    """A ring of another name has none; another geometry of a channel has them, too."""
    name = scene.new_name()
    scene.writer(name, slots=2, slot_size=64)
    made = [path.name for path in scene.path("/").iterdir() if path.name.endswith(f"_ch{scene.channel}")]
    scene.expect("names that it made", made, [name.removeprefix("/")])
    scene.expect("v1_signals", inspect(scene.library, name).v1_signals, 0)
    scene.writer()
    with Semaphore(scene, "write") as semaphore:
        scene.expect("tokens of a channel's", semaphore.tokens, 1)


# ---- a version 1 writer ----


@promise
def reads_a_version_1_ring(scene: Scene) -> None:
    """In order, once each, with numbers and metadata; what only newer writers tell is zero, its state unknown."""
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
    info = inspect(scene.library, scene.channel_name)
    figures = info.version, info.extended, info.state, info.frames, info.slots, info.slot_size
    scene.expect("version, extended, state, frames, slots, slot size", figures, (1, 0, UNKNOWN, 41, 30, 524288))
    for field in NEWER:
        scene.expect(f"{field}, which only newer writers tell", getattr(info, field), 0)


@promise
def trusts_a_version_1_slot_as_far_as_the_format_says(scene: Scene) -> None:
    """The slot at write_idx may be being written: 29 frames are to be had; the sequence must be the frame's."""
    for count in (10, 29, 30, 100):
        path = scene.path(scene.channel_name)
        old = V1Writer(path)
        for _ in range(count):
            old.write(b"y")
        reader = scene.reader(start=2)
        scene.expect(f"frames of {count}", reader.numbers(), list(range(max(0, count - 29), count)))
        path.unlink()
    old = V1Writer(scene.path(scene.channel_name))
    reader = scene.reader()
    for _ in range(5):
        old.write(b"z")
        old.ring.set_header(write_idx=old.frames % 30)  # which may be kept modulo 30
    old.ring.set_meta(2, sequence=77)
    scene.expect("frames where one's sequence is another's", reader.numbers(), [0, 1, 3, 4])
    scene.expect("missed", reader.stats()[2], 1)


@measured
def finds_a_version_1_frame_within_milliseconds(scene: Scene) -> None:
    """It comes and looks at least every 2 ms, since nobody wakes it."""
    old = V1Writer(scene.path(scene.channel_name))

    def read() -> Iterator[str]:
        reader = scene.reader()
        yield "waits"
        for _ in range(10):
            reader.wait(PATIENCE_MS)
            yield str(time.monotonic())

    actor = scene.start(read)
    scene.need("a reader", actor.hear(), "waits")
    late = []
    with Stalls() as stalls:
        for _ in range(10):
            time.sleep(0.03)
            stalls.take()
            begin = time.monotonic()
            old.write(FRAME)
            late.append(float(actor.hear()) - begin - stalls.take(0.0))
    scene.expect_in("seconds until it was there, the median of ten", statistics.median(late), -1.0, 0.005)


@promise
def leaves_tokens_to_version_1_readers(scene: Scene) -> None:
    """A reader of a version 1 ring never touches the semaphore, nor anything else."""
    writer = scene.writer()  # which makes the semaphores
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
    """Its name was removed, which is how such a writer leaves: EPIPE, and the next ring is found."""
    path = scene.path(scene.channel_name)
    old = V1Writer(path)
    reader = scene.reader()
    old.write(FRAME)
    scene.expect("a frame", reader.wait(PATIENCE_MS).result, 1000)
    path.unlink()
    scene.expect("its end", str(reader.wait(PATIENCE_MS).answer), "-1 EPIPE")
    V1Writer(path).write(FRAME[:7])
    scene.expect("size of the next ring's frame", reader.wait(PATIENCE_MS).result, 7)


@promise
def takes_a_version_1_ring_over(scene: Scene) -> None:
    """A writer of the library replaces it, and goes on with its numbers; readers go over."""
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
