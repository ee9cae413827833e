# SPDX-License-Identifier: Apache-2.0
"""A Raspberry Pi's CSI camera, which only libcamera can drive: rpicam-vid's H.264, passed through."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
import time
from collections import deque

from vshm_ctypes import Codec

from ..bitstream import AccessUnit, Splitter, StreamError
from .source import Captured, SourceError

PROGRAM = "rpicam-vid"
READ_BYTES = 1 << 20


class RpicamSource:
    """Starts rpicam-vid and reads its stream. A picture comes out when the next one begins."""

    codec: Codec | None = Codec.H264

    def __init__(
        self, width: int = 1280, height: int = 720, fps: float = 30.0, bit_rate: int = 0, gop: int = 30
    ) -> None:
        self.name = "rpicam"
        self.width, self.height, self.fps = width, height, fps
        self._bit_rate, self._gop = bit_rate, gop
        self._process: subprocess.Popen[bytes] | None = None

    def _command(self) -> list[str]:
        words = [
            PROGRAM,
            "--inline",
            "--nopreview",
            "--verbose",
            "0",
            "--timeout",
            "0",
            "--codec",
            "h264",
            "--output",
            "-",
        ]
        words += ["--width", str(self.width), "--height", str(self.height), "--framerate", f"{self.fps:g}"]
        words += ["--intra", str(self._gop)]
        return words + (["--bitrate", str(self._bit_rate)] if self._bit_rate else [])

    def open(self) -> None:
        """Start the program. Raises SourceError: it is not installed."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - until close(); a pipe that nobody reads would fill
        try:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors
            )
        except OSError as error:
            self._errors.close()
            advice = "install rpicam-apps, or choose another --device"
            raise SourceError(error.errno or 0, f"{PROGRAM}: {error.strerror}: {advice}") from None
        self._splitter = Splitter(Codec.H264)
        self._units: deque[AccessUnit] = deque()
        self._begun_ns = 0

    def _fail(self) -> SourceError:
        assert self._process is not None
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
        return SourceError(0, f"{PROGRAM} ended with {code}{': ' + last[0] if last else ''}")

    def read(self, timeout_s: float) -> Captured | None:
        """The next access unit, dated when its first byte came. Raises SourceError: the program has ended."""
        if self._process is None or self._process.stdout is None:
            raise SourceError(0, f"{PROGRAM} is not running")
        deadline = time.monotonic() + timeout_s
        while not self._units:
            if not select.select([self._process.stdout], [], [], max(deadline - time.monotonic(), 0))[0]:
                return None
            data = os.read(self._process.stdout.fileno(), READ_BYTES)
            now_ns = time.monotonic_ns()
            if not data:
                raise self._fail()
            try:
                self._units.extend(self._splitter.feed(data))
            except StreamError as error:
                raise SourceError(0, f"{PROGRAM}: {error}") from None
            self._begun_ns = self._begun_ns or now_ns
            if self._units:
                self._dated_ns, self._begun_ns = self._begun_ns, now_ns
        return Captured(self._dated_ns, unit=self._units.popleft())

    def close(self) -> None:
        """End the program."""
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
            self._errors.close()
