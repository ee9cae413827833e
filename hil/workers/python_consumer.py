# SPDX-License-Identifier: Apache-2.0
"""Reads a ring through the binding as an application does, and writes down on its tape what came and when.

A JSON line when it is attached, and one at its end, which SIGTERM asks for: it first reads what is still there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import signal
import time
import zlib
from collections.abc import Sequence
from typing import Any

from vshm_ctypes import Codec, Consumer, Frame, FrameOverwritten, Interrupted
from vshm_ctypes.frame import Described

from . import tape

FACES = ("for", "borrow", "asyncio")
DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}


class Notes:
    """What is recorded of the frames, and what the consumer does with each of them."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._tape = tape.TapeRecorder(arguments.tape)
        self._work_s = arguments.work_ms / 1000
        self._burst_frames, self._pause_s = arguments.burst_frames, arguments.pause_ms / 1000
        self._decodes = arguments.decode
        self._decoder: Any = None
        self.stopping = False
        self.received = self.checking_ns = self.decoded = 0
        self.first_number = self.last_number = -1

    def check(self, data: Any) -> int:
        """Return the CRC-32 of a frame's bytes. Its cost is not counted as the consumer's."""
        begin_ns = time.thread_time_ns()
        crc32 = zlib.crc32(data)
        self.checking_ns += time.thread_time_ns() - begin_ns
        return crc32

    def add(self, frame: Described, crc32: int, awake_ns: int) -> None:
        """Record a frame that was received whole."""
        flags = tape.KEYFRAME * frame.is_keyframe | tape.DISCONTINUITY * frame.discontinuity
        times = (awake_ns, frame.publish_ns, frame.capture_ns)
        self._tape.add(frame.number, *times, frame.size, crc32, flags, tape.FRAME)
        if not self.received:
            self.first_number = frame.number
        self.received += 1
        self.last_number = frame.number

    def receive(self, frame: Frame, awake_ns: int) -> None:
        """Record a frame that owns its bytes."""
        self.add(frame, self.check(frame.data), awake_ns)
        self.decode(frame, frame.data)

    def pause_s(self) -> float:
        """Return how long the consumer is busy after this frame."""
        if self.stopping:
            return 0.0
        is_burst_over = self._burst_frames and self.received % self._burst_frames == 0
        pause_s: float = self._work_s + (self._pause_s if is_burst_over else 0.0)
        return pause_s

    def decode(self, frame: Described, data: Any) -> None:
        """Decode the frame if this consumer does so, from the first keyframe on."""
        if not self._decodes or (self._decoder is None and not frame.is_keyframe):
            return
        import av

        if self._decoder is None:
            self._decoder = av.CodecContext.create(DECODERS[Codec(frame.codec)], "r")
        self.decoded += len(self._decoder.decode(av.Packet(bytes(data))))


def take_borrowed(stream: Consumer, notes: Notes, timeout: float | None) -> bool:
    """Take one frame without a copy, if one comes.

    Returns whether one came; if overwritten meanwhile, it counts as missed.
    """
    try:
        borrowed = stream.borrow(timeout)
    except TimeoutError:
        return False
    awake_ns = time.monotonic_ns()
    try:
        with borrowed:
            crc32 = notes.check(borrowed.data)
            notes.decode(borrowed, borrowed.data)
    except FrameOverwritten:
        return True
    notes.add(borrowed, crc32, awake_ns)
    return True


def take_owned(stream: Consumer, notes: Notes) -> bool:
    """Take one frame, if there is one. Returns whether there was."""
    frame = stream.receive(0)
    if frame is not None:
        notes.receive(frame, time.monotonic_ns())
    return frame is not None


def read_by_for(stream: Consumer, notes: Notes) -> None:
    for frame in stream:
        notes.receive(frame, time.monotonic_ns())
        time.sleep(notes.pause_s())


def read_by_borrow(stream: Consumer, notes: Notes) -> None:
    while not notes.stopping:
        take_borrowed(stream, notes, None)
        time.sleep(notes.pause_s())


async def read_by_asyncio(stream: Consumer, notes: Notes) -> None:
    async for frame in stream.aiter():
        notes.receive(frame, time.monotonic_ns())
        await asyncio.sleep(notes.pause_s())


async def run_asyncio(stream: Consumer, notes: Notes) -> None:
    """Read until the task is cancelled, which must leave neither a thread nor a frame behind."""
    task = asyncio.ensure_future(read_by_asyncio(stream, notes))

    def stop() -> None:
        notes.stopping = True
        task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error


def read(stream: Consumer, face: str, notes: Notes) -> None:
    """Read until the wait is interrupted, and then what is still in the ring."""
    try:
        if face == "asyncio":
            asyncio.run(run_asyncio(stream, notes))
        elif face == "borrow":
            read_by_borrow(stream, notes)
        else:
            read_by_for(stream, notes)
    except Interrupted:
        pass
    if face == "borrow":
        while take_borrowed(stream, notes, 0):
            pass
    else:
        while take_owned(stream, notes):
            pass


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ring", required=True)
    parser.add_argument("--tape", required=True)
    parser.add_argument("--face", choices=FACES, default="for")
    parser.add_argument("--policy", default="every")
    parser.add_argument("--start", default="next")
    parser.add_argument("--work-ms", type=float, default=0)
    parser.add_argument("--burst-frames", type=int, default=0)
    parser.add_argument("--pause-ms", type=float, default=0)
    parser.add_argument("--decode", action="store_true")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Read until SIGTERM. Returns the exit code."""
    arguments = build_parser().parse_args(words)
    notes = Notes(arguments)

    def stop(_number: int, _frame: object) -> None:
        notes.stopping = True
        stream.interrupt()

    with Consumer(arguments.ring, start=arguments.start, policy=arguments.policy, reconnect=True) as stream:
        signal.signal(signal.SIGTERM, stop)
        begin = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"attach_number": stream.info().next_frame}), flush=True)
        read(stream, arguments.face, notes)
        end, info = resource.getrusage(resource.RUSAGE_SELF), stream.info()
    closing = {name: getattr(info, name) for name in ("received", "missed", "skipped", "span")}
    closing |= {"next_number": info.next_frame, "decoded": notes.decoded}
    closing |= {"first_number": notes.first_number, "last_number": notes.last_number}
    cpu_s = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    closing |= {
        "cpu_s": cpu_s - notes.checking_ns / 1e9,
        "voluntary_switches": end.ru_nvcsw - begin.ru_nvcsw,
        "involuntary_switches": end.ru_nivcsw - begin.ru_nivcsw,
    }
    print(json.dumps(closing), flush=True)
    return 0
