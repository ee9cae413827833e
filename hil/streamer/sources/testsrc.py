# SPDX-License-Identifier: Apache-2.0
"""Test pictures with their number drawn in: testsrc or testsrc:1280x720@25."""

from __future__ import annotations

import re
import time

from vshm_ctypes import Codec

from . import barcode
from .bars import TestPicture
from .modes import Size, Wanted
from .source import Captured, SourceError

_WORDS = re.compile(r"testsrc(?::(\d+)x(\d+)(?:@(\d+(?:\.\d+)?))?)?")
FRAME_BEHIND_S = 0.5  # a source that is later than that continues at the present instead of catching up


class TestSource:
    """Test pictures, paced by the clock. Picture n shows the number n."""

    codec: Codec | None = None
    live = True
    __test__ = False  # it is not a test case, in spite of its name

    def __init__(self, words: str, wanted: Wanted = Wanted()) -> None:  # noqa: B008 - frozen
        match = _WORDS.fullmatch(words)
        if match is None:
            raise SourceError(0, f"{words}: testsrc, or testsrc:WIDTHxHEIGHT@FPS")
        self.name = words
        size = Size(int(match[1]), int(match[2])) if match[1] else wanted.size
        self.width, self.height = size or Size(640, 360)
        self.fps = float(match[3] or wanted.fps or 30)
        if not (barcode.MIN_WIDTH <= self.width <= 8192 and 32 <= self.height <= 8192 and 0 < self.fps <= 1000):
            raise SourceError(0, f"{words}: from {barcode.MIN_WIDTH}x32 to 8192x8192, up to 1000 fps")
        if self.width % 2 or self.height % 2:
            raise SourceError(0, f"{words}: width and height must be even")
        self._number = 0
        self._next_s = 0.0

    def open(self) -> None:
        """Start at picture 0 now."""
        self._picture = TestPicture(self.width, self.height)
        self._number, self._next_s = 0, time.monotonic()

    def read(self, timeout_s: float) -> Captured | None:
        """Return the next picture when it is due, or None after timeout_s seconds."""
        wait_s = self._next_s - time.monotonic()
        if wait_s > timeout_s:
            time.sleep(timeout_s)
            return None
        time.sleep(max(wait_s, 0))
        now_ns = time.monotonic_ns()
        captured = Captured(now_ns, picture=self._picture.draw(self._number, now_ns / 1e9), sequence=self._number)
        self._number += 1
        self._next_s += 1 / self.fps
        if time.monotonic() - self._next_s > FRAME_BEHIND_S:
            self._next_s = time.monotonic()
        return captured

    def want_keyframe(self) -> None:
        """Do nothing: its pictures are raw."""

    def figures(self) -> dict[str, int]:
        """Return no counters."""
        return {}

    def close(self) -> None:
        """Do nothing: no resource is held."""
