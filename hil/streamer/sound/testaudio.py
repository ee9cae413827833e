# SPDX-License-Identifier: Apache-2.0
"""Sound that tells the time: a tone in the first tenth of each second of CLOCK_MONOTONIC, else silence."""

from __future__ import annotations

import time

import av
import numpy

from ..sources.source import Captured
from .source import SoundSource

CHUNK_S = 0.01
TONE_HZ = 1000
TONE_S = 0.1
LEVEL = 0.5
BEHIND_S = 0.5  # a source that is later than that continues at the present instead of catching up


class TestAudio(SoundSource):
    """Test sound, paced by the clock. rate: Hz."""

    __test__ = False  # it is not a test case, in spite of its name

    def __init__(self, rate: int) -> None:
        self.name = "testaudio"
        self._rate = rate
        self._samples = round(rate * CHUNK_S)
        self._begin_ns = self._done = 0

    def open(self) -> None:
        """Start now."""
        self._begin_ns, self._done = time.monotonic_ns(), 0

    def read(self, timeout_s: float) -> Captured | None:
        """Return the next hundredth of a second once it is over, or None."""
        begin_ns = self._begin_ns + self._done * 1_000_000_000 // self._rate
        wait_s = begin_ns / 1e9 + CHUNK_S - time.monotonic()
        if wait_s > timeout_s:
            time.sleep(timeout_s)
            return None
        time.sleep(max(wait_s, 0))
        self._done += self._samples
        captured = Captured(begin_ns, sound=self._draw(begin_ns))
        if wait_s < -BEHIND_S:
            self.open()
        return captured

    def _draw(self, begin_ns: int) -> av.AudioFrame:
        seconds = (begin_ns % 1_000_000_000) / 1e9 + numpy.arange(self._samples) / self._rate
        tone = numpy.where(seconds % 1 < TONE_S, numpy.sin(2 * numpy.pi * TONE_HZ * seconds), 0)
        samples = (tone * LEVEL * 32767).astype(numpy.int16)
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = self._rate
        return frame
