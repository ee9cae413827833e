# SPDX-License-Identifier: Apache-2.0
"""Runs camera-streamer as a process, and reads what it writes, for the tests on a camera."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil.workers.child import Child, Site, start_python
from hil.workers.programs import loaded_library
from vshm_ctypes import Codec, Consumer, Frame, VideoShmError, inspect

WATCHDOG_S = 120.0  # an emulated processor starts Python in seconds
DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}


def wait_until(condition: Callable[[], bool], what: str, seconds: float = WATCHDOG_S) -> None:
    """Wait until condition() is true. Raises AssertionError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.02)


@contextmanager
def python(ring: str, module: str, words: Sequence[str]) -> Iterator[Child]:
    """Run main(words) of a module during the block, in a fork of a warm interpreter.

    A new interpreter would take many seconds. The process is killed at the end if it still runs.
    """
    with tempfile.TemporaryDirectory() as folder:
        site = Site(0, ring, Path(folder), os.getpgrp(), loaded_library())
        child = start_python(site, module, module, words)
        try:
            yield child
        finally:
            child.send(signal.SIGKILL)
            child.wait(WATCHDOG_S)
            print(child.output, child.complaints, sep="\n")


@dataclass
class Streamer:
    """A running camera-streamer. Once ended, summary: what --stats printed, log: what it logged."""

    child: Child
    summary: dict[str, Any] = field(default_factory=dict)
    log: str = ""

    @property
    def camera(self) -> dict[str, int]:
        """The source's counters."""
        return self.summary["camera"]  # type: ignore[no-any-return]

    def books(self, ring: str) -> dict[str, Any]:
        """Return the counters of one channel."""
        return self.summary["channels"][ring]  # type: ignore[no-any-return]

    def wait_for_log(self, text: str) -> None:
        """Wait until it has logged that text."""
        wait_until(lambda: text in self.child.complaints, f"{text!r} in the log")

    def end(self) -> None:
        """End it cleanly, and read its summary."""
        self.child.send(signal.SIGTERM)
        assert self.child.wait(WATCHDOG_S) == 0, self.child.complaints
        self.summary, self.log = json.loads(self.child.output), self.child.complaints


def frames_in(ring: str) -> int:
    """Return how many frames were written so far, or 0 while there is no ring."""
    try:
        return inspect(ring).frames
    except VideoShmError:
        return 0


@contextmanager
def streaming(ring: str, *words: str) -> Iterator[Streamer]:
    """Run camera-streamer with these arguments; yields once the ring has a frame.

    It is killed if it still runs at the end.
    """
    with python(ring, "hil.streamer.main", [*words, "--stats"]) as child:

        def has_frames() -> bool:
            assert child.code is None, child.complaints
            return frames_in(ring) > 0

        wait_until(has_frames, "the first frame")
        yield Streamer(child)


def take(stream: Consumer, count: int) -> list[Frame]:
    """Return the next count frames. Raises AssertionError if one does not come."""
    frames: list[Frame] = []
    while len(frames) < count:
        frame = stream.receive(timeout=WATCHDOG_S)
        assert frame is not None, f"no frame for {WATCHDOG_S:g} s"
        frames.append(frame)
    return frames


def take_until_break(stream: Consumer) -> list[Frame]:
    """Return the frames up to the next discontinuity, including that frame."""
    frames = take(stream, 1)
    while not frames[-1].discontinuity:
        frames += take(stream, 1)
    return frames


def take_rest(stream: Consumer) -> list[Frame]:
    """Return the frames that are left once the writer has closed the ring."""
    return list(stream)


def pictures_in(frames: list[Frame]) -> int:
    """Return how many pictures a decoder makes of the frames. Raises av.FFmpegError at the first damaged one."""
    import av

    decoder: Any = av.CodecContext.create(DECODERS[Codec(frames[0].codec)], "r")
    decoder.options = {"err_detect": "explode"}
    pictures = [picture for frame in frames for picture in decoder.decode(av.Packet(frame.data))]
    return len(pictures + decoder.decode(None))
