# SPDX-License-Identifier: Apache-2.0
"""Reads a Raspberry Pi's CSI camera, which only libcamera can drive, by passing rpicam-vid's H.264 through."""

from __future__ import annotations

import time
from collections import deque

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, ParameterSets, Splitter, StreamError

from .modes import Size, Wanted
from .program import Program
from .source import Captured, SourceError

PROGRAM = "rpicam-vid"
START_S = 1.0  # the program ends within this time if there is no camera
STALE_S = 1.0  # pictures of a longer time may wait in its pipe, and would all be dated when read


class RpicamSource:
    """Starts rpicam-vid and reads its stream. A picture is complete only when the next one starts."""

    codec: Codec | None = Codec.H264
    live = True

    def __init__(self, wanted: Wanted) -> None:
        self.name = "rpicam"
        self.width, self.height = wanted.size or Size(1280, 720)
        self.fps = wanted.fps or 30.0
        self._bit_rate, self._gop = wanted.bit_rate, wanted.gop
        self._sets = ParameterSets(Codec.H264)
        self._program: Program | None = None
        self._opened_s: float | None = None  # and not read yet

    def _command(self) -> list[str]:
        words = [PROGRAM, "--inline", "--nopreview", "--verbose", "0", "--timeout", "0", "--codec", "h264"]
        words += ["--output", "-"]
        words += ["--width", str(self.width), "--height", str(self.height), "--framerate", f"{self.fps:g}"]
        words += ["--intra", str(self._gop)] if self._gop else []
        return words + (["--bitrate", str(self._bit_rate)] if self._bit_rate else [])

    def open(self) -> None:
        """Start the program. Raises SourceError if it is not installed, or ends at once."""
        self._start()
        try:
            self._receive(START_S)
        except SourceError:
            self.close()
            raise
        self._opened_s = time.monotonic()

    def _start(self) -> None:
        self.close()
        self._program = Program(self._command(), "install rpicam-apps, or choose another --device")
        self._splitter = Splitter(Codec.H264)
        self._units: deque[tuple[AccessUnit, int]] = deque()

    def read(self, timeout_s: float) -> Captured | None:
        """Return the next access unit, dated at the arrival of its first slice, or None.

        Raises SourceError if the program ended.
        """
        if self._opened_s is not None and time.monotonic() - self._opened_s > STALE_S:
            self._start()  # what it is read for was set up meanwhile
        self._opened_s = None
        deadline = time.monotonic() + timeout_s
        while not self._units:
            if not self._receive(deadline - time.monotonic()):
                return None
        unit, begun_ns = self._units.popleft()
        return Captured(begun_ns, unit=self._sets.complete(unit))

    def _receive(self, timeout_s: float) -> bool:
        """Return whether something came in time."""
        if self._program is None:
            raise SourceError(0, f"{PROGRAM} is not running")
        data = self._program.receive(timeout_s)
        now_ns = time.monotonic_ns()
        if data is None:
            return False
        if not data:
            code, said = self._program.end()
            raise SourceError(0, f"{PROGRAM} ended with {code}{': ' + said[-1] if said else ''}")
        try:
            self._units.extend(self._splitter.feed(data, now_ns))
        except StreamError as error:
            raise SourceError(0, f"{PROGRAM}: {error}") from None
        return True

    def want_keyframe(self) -> None:
        """Do nothing: the program has no such request, and the next keyframe comes with its next GOP."""

    def figures(self) -> dict[str, int]:
        """Return no counters."""
        return {}

    def close(self) -> None:
        """End the program."""
        if self._program is not None:
            self._program.close()
            self._program = None
