# SPDX-License-Identifier: Apache-2.0
"""A microphone, by ALSA's own arecord: it knows the machine's plugins and configuration, and can be ended any time."""

from __future__ import annotations

import time

import av

from ..sources.program import Program
from ..sources.source import Captured, SourceError, Trouble
from .sample_clock import SampleClock
from .source import SoundSource

PROGRAM = "arecord"
PERIOD_US = 10_000
BUFFER_US = 500_000  # so long this program may be kept from its processor
START_S = 2.0
# What ALSA says of a device that is not there: at the start, and once it was pulled out.
ABSENT = ("No such file or directory", "No such device", "cannot find card")


class AlsaSource(SoundSource):
    """device: as ALSA names it: default, hw:1,0, plughw:CARD=Loopback,DEV=1. rate: Hz."""

    def __init__(self, device: str, rate: int, channels: int) -> None:
        self.name = f"alsa:{device}"
        self._device, self._rate, self._channels = device, rate, channels
        self._program: Program | None = None
        self._lost = 0

    def _command(self) -> list[str]:
        words = [PROGRAM, "--quiet", "--device", self._device, "--file-type", "raw", "--format", "S16_LE"]
        words += ["--rate", str(self._rate), "--channels", str(self._channels)]
        return [*words, "--period-time", str(PERIOD_US), "--buffer-time", str(BUFFER_US)]

    def open(self) -> None:
        """Start the program; it is open once sound comes. Raises SourceError: not installed, no such device."""
        self.close()
        self._program = Program(self._command(), "install alsa-utils, or choose another --audio")
        self._clock = SampleClock(self._rate)
        self._pending = b""
        try:
            comes = self._receive(START_S)
        except SourceError as error:
            self.close()
            raise SourceError(0, f"{self.name}: {error.strerror}", error.kind) from None
        if not comes:
            self.close()
            raise SourceError(0, f"{self.name}: no sound within {START_S:g} s", "streamon")

    def _receive(self, timeout_s: float) -> bool:
        """Whether something came in time. Raises SourceError: the program has ended."""
        if self._program is None:
            raise SourceError(0, f"{PROGRAM} is not running")
        data = self._program.receive(timeout_s)
        self._came_ns = time.monotonic_ns()
        if data is None:
            return False
        if not data:
            raise self._fault(self._program.end()[1])
        self._pending += data
        return True

    def _fault(self, said: list[str]) -> SourceError:
        why = said[-1].rpartition(": ")[2] if said else f"{PROGRAM} ended"
        kind: Trouble = "absent" if any(text in line for line in said for text in ABSENT) else "failed"
        advice = "; arecord -L tells which there are" if kind == "absent" else ""
        return SourceError(0, f"{why}{advice}", kind)

    def read(self, timeout_s: float) -> Captured | None:
        """What has come. Raises SourceError: the device is gone."""
        sample_bytes = 2 * self._channels
        if len(self._pending) < sample_bytes:
            self._receive(timeout_s)
        whole = len(self._pending) // sample_bytes * sample_bytes
        if not whole:
            return None
        data, self._pending = self._pending[:whole], self._pending[whole:]
        begin_ns, lost = self._clock.first_ns(whole // sample_bytes, self._came_ns)
        self._lost += lost
        return Captured(begin_ns, sound=self._frame(data), discontinuity=lost)

    def _frame(self, data: bytes) -> av.AudioFrame:
        layout = "mono" if self._channels == 1 else "stereo"
        frame = av.AudioFrame(format="s16", layout=layout, samples=len(data) // (2 * self._channels))
        frame.planes[0].update(data)
        frame.sample_rate = self._rate
        return frame

    def figures(self) -> dict[str, int]:
        """lost: times that sound was missing, since this program or the machine was too slow for it."""
        return {"lost": self._lost}

    def close(self) -> None:
        """End the program."""
        if self._program is not None:
            self._program.close()
            self._program = None
