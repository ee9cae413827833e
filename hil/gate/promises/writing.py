# SPDX-License-Identifier: Apache-2.0
"""What a writer is promised, and its version 1 readers."""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Iterator

from vshm_ctypes import Consumer, FrameTooLarge, Producer, ProducerBusy, ProducerClosed

from ..stage import PATIENCE_S, Stage
from .scene import FRAME, Broken, promise


@promise
def counts_what_it_drops() -> Broken:
    """A frame that finds the ring busy is dropped, and counted."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sem_open.restype = ctypes.c_void_p
    with Stage() as stage, Producer(channel=stage.channel) as ring:
        semaphore = ctypes.c_void_p(libc.sem_open(stage.semaphore("write").encode(), 0))
        libc.sem_trywait(semaphore)
        if ring.write(FRAME):
            yield "a frame was written while somebody else had the writer's semaphore"
        libc.sem_post(semaphore)
        if not ring.write(FRAME):
            yield "a frame was dropped although the ring was free"
        info = ring.info()
        if (info.dropped, info.frames) != (1, 1):
            yield f"one dropped, one written; booked as {info.dropped} dropped, {info.frames} written"
        with stage.ring.open("rb") as file:
            dropped_v1 = struct.unpack_from("<I", file.read(24), 20)[0]
        if dropped_v1 != 1:
            yield f"version 1 readers are told of {dropped_v1} dropped frames"


@promise
def refuses_a_frame_larger_than_a_slot() -> Broken:
    """It is counted, and what lies in the ring stays as it was."""
    size = 4096
    with Stage() as stage, Producer(channel=stage.channel, slots=4, slot_size=size) as ring:
        for number in range(4):
            ring.write(bytes([number]) * size)
        try:
            ring.write(b"x" * (size + 256))
            yield "it was written"
        except FrameTooLarge:
            pass
        with Consumer(channel=stage.channel, start="oldest") as stream:
            seen = []
            while (frame := stream.receive(0)) is not None:
                seen.append(frame.number)
                if frame.data != bytes([frame.number]) * size:
                    yield f"the bytes of frame {frame.number} were changed"
        if seen != [0, 1, 2, 3]:
            yield f"frames 0 to 3 became {seen}"
        if ring.info().dropped_too_large != 1:
            yield f"booked as {ring.info().dropped_too_large} too large"


@promise
def refuses_a_second_writer() -> Broken:
    """As long as the first one lives."""

    def second() -> Iterator[str]:
        try:
            Producer(channel=stage.channel).close()
            yield "it was let in"
        except ProducerBusy:
            yield "refused"

    with Stage() as stage, Producer(channel=stage.channel) as ring:
        if (said := stage.start(second).hear()) != "refused":
            yield said or "it crashed"
        if not ring.write(FRAME):
            yield "the first one can't go on"


@promise
def tells_readers_of_its_end() -> Broken:
    """Behind the last frame, once."""
    with Stage() as stage:
        ring = Producer(channel=stage.channel)
        with Consumer(channel=stage.channel) as stream:
            ring.write(FRAME)
            ring.close()
            if stream.receive(PATIENCE_S) is None:
                yield "the last frame was lost"
            try:
                stream.receive(PATIENCE_S)
                yield "nothing was said of it"
            except ProducerClosed:
                pass
        if stage.ring.exists():
            yield "the ring is still there"


@promise
def keeps_tokens_few() -> Broken:
    """A version 1 reader that does not take its tokens does not make them pile up."""
    libc = ctypes.CDLL(None)
    libc.sem_open.restype = ctypes.c_void_p
    with Stage() as stage, Producer(channel=stage.channel) as ring:
        with stage.ring.open("r+b") as file, mmap.mmap(file.fileno(), 64) as header:
            struct.pack_into("<I", header, 24, 1)
        for _ in range(100):
            ring.write(FRAME)
        semaphore, tokens = ctypes.c_void_p(libc.sem_open(stage.semaphore("read").encode(), 0)), ctypes.c_int()
        libc.sem_getvalue(semaphore, ctypes.byref(tokens))
        if tokens.value != 1:
            yield f"one reader and 100 frames left {tokens.value} tokens"
