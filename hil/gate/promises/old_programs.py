# SPDX-License-Identifier: Apache-2.0
"""Promises about many version 1 readers: what a writer does for them, and what a reader leaves to them."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator

from ..stage import Actor
from .ring_object import RingObject, V1Writer
from .scene import FRAME, PATIENCE_MS, Scene, measured, promise, until, until_asleep
from .semaphores import Semaphore
from .sides import inspect
from .stalls import Stalls
from .waiting import A_SECOND


@promise
def keeps_tokens_few(scene: Scene) -> None:
    """The read semaphore has no more tokens than there are version 1 readers, and 32 at most."""
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
            scene.expect("readers, as the ring has it", inspect(scene.library, scene.channel_name).v1_readers, readers)
            while semaphore.take():
                pass
        ring.set_header(active_readers=3)
        writer.write(FRAME)
        semaphore.take()
        writer.write(FRAME)
        scene.expect("tokens where one of three was taken", semaphore.tokens, 3)


@promise
def counts_for_version_1_readers(scene: Scene) -> None:
    """Each frame moves write_idx and frame_count on, and the newest frame lies before write_idx."""
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


def _sleepers(scene: Scene, count: int) -> list[Actor]:
    """Start version 1 readers that sleep on the semaphore until they get a token."""

    def read() -> Iterator[str]:
        libc = ctypes.CDLL(None)
        libc.sem_open.restype = ctypes.c_void_p
        semaphore = ctypes.c_void_p(libc.sem_open(scene.semaphore("read").encode(), 0))
        yield "waits"
        libc.sem_wait(semaphore)
        yield "awake"

    readers = [scene.start(read) for _ in range(count)]
    for reader in readers:
        scene.need("a version 1 reader", reader.hear(), "waits")
    for reader in readers:
        until_asleep(reader.pid)
    return readers


@promise
def wakes_version_1_readers(scene: Scene) -> None:
    """Each version 1 reader that sleeps on the semaphore gets a token for a frame."""
    writer = scene.writer()
    readers = _sleepers(scene, 4)
    RingObject(scene.path(scene.channel_name)).set_header(active_readers=4)
    writer.write(FRAME)
    scene.expect("each of four", [reader.hear() for reader in readers], ["awake"] * 4)


@promise
def wakes_nobody_for_the_dead(scene: Scene) -> None:
    """A version 1 reader wakes beside 31 that died without leaving, and no tokens pile up for those."""
    writer = scene.writer()
    [reader] = _sleepers(scene, 1)
    RingObject(scene.path(scene.channel_name)).set_header(active_readers=32)
    with Semaphore(scene, "read") as semaphore:
        writer.write(FRAME)
        scene.expect("the one", reader.hear(), "awake")
        scene.expect_in("tokens that are left", semaphore.tokens, 0, 1)


@promise
def makes_new_semaphores_for_a_new_ring(scene: Scene) -> None:
    """A new ring has new semaphores, so that those who wait at the former ring's take no token of it."""
    path = scene.path(scene.channel_name)
    former = scene.writer()  # creates the semaphores
    with Semaphore(scene, "read") as left:
        path.unlink()
        V1Writer(path)
        former.destroy()  # its name leads to another's ring, so it removes nothing
        writer = scene.writer()
        RingObject(path).set_header(active_readers=1)
        writer.write(FRAME)
        scene.expect("tokens in what was left", left.tokens, 0)
        with Semaphore(scene, "read") as semaphore:
            scene.expect("tokens of the new ring", semaphore.tokens, 1)


@promise
def is_no_version_1_reader_itself(scene: Scene) -> None:
    """The library's readers neither count themselves in active_readers nor take tokens."""
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
    """The write semaphore is 1, and 0 while a frame is written."""
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


@measured
def rearms_a_semaphore_whose_holder_died(scene: Scene) -> None:
    """A writer goes on, and counts it, once the write semaphore has been taken for over a second."""
    writer = scene.writer()
    dropped = taken = 0
    with Semaphore(scene, "write") as semaphore, Stalls() as stalls:

        def go_on() -> float:
            """Return how much later than after a second the writer went on."""
            nonlocal dropped, taken
            semaphore.take()
            taken += 1
            begin = time.monotonic()
            while (answer := writer.write(FRAME)).result == 1 and time.monotonic() - begin < 10:
                dropped += 1
                time.sleep(0.01)
            took = time.monotonic() - begin
            scene.need("write at last", str(answer), "0")
            scene.expect_in("seconds until then, at least", took, A_SECOND, float("inf"))
            return took - A_SECOND

        stalls.judge(scene, "seconds beyond one until it went on", go_on, 0.5, 0.2)
        info = writer.info()
        scene.expect("rearmed, dropped", (info.rearmed, info.dropped_busy), (taken, dropped))
        scene.expect("tokens then", semaphore.tokens, 1)
        semaphore.give()  # in case the holder comes back
        writer.write(FRAME)
        scene.expect_in("tokens once he came back", semaphore.tokens, 1, 2)
    path = scene.path(scene.channel_name)
    path.unlink()
    scene.need("it is made anew", until(lambda: writer.write(FRAME).result == 0 and path.exists()), True)
    scene.expect("rearmed, once it was made anew", writer.info().rearmed, taken)


@promise
def has_semaphores_for_its_channels_only(scene: Scene) -> None:
    """A channel's ring has semaphores, and a ring of another name has none."""
    name = scene.new_name()
    scene.writer(name, slots=2, slot_size=64)
    made = [path.name for path in scene.path("/").iterdir() if path.name.endswith(f"_ch{scene.channel}")]
    scene.expect("names that it made", made, [name.removeprefix("/")])
    scene.expect("v1_signals", inspect(scene.library, name).v1_signals, 0)
    scene.writer()
    with Semaphore(scene, "write") as semaphore:
        scene.expect("tokens of a channel's", semaphore.tokens, 1)
