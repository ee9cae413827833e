# SPDX-License-Identifier: Apache-2.0
"""Notices that a camera's bus has no room for raw pictures, so that JPEG, which takes less, comes first.

Some buses refuse to start then. Others start, and no picture comes whole: a driver hands on its beginning, or nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .pixel_formats import RAW

WHOLE_S = 10.0  # within which one picture should come whole; cameras wake up, focus and meter first


class BusRoom:
    """Judges each stream of a camera by whether one of its pictures came whole. clock: in seconds.

    is_full: JPEG is to come before raw pictures.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_full = False
        self._clock = clock
        self._begin_s: float | None = None  # of a stream of which no picture was whole yet
        self._fourcc = self._other = ""
        self._has_come = self._was_whole = False

    def begin(self, fourcc: str, other: str) -> None:
        """Note that a stream begins. other: the format that would be chosen instead; the same if there is none."""
        self._begin_s, self._fourcc, self._other, self._has_come = self._clock(), fourcc, other, False

    def refused(self) -> str:
        """Note that the bus refused the stream. Returns what is to be said of it, if anything."""
        self._begin_s = None
        if self._fourcc not in RAW or self.is_full:
            return ""
        self.is_full = True
        return f"its bus has no room for {self._fourcc}: JPEG, which takes less, comes first now"

    def take(self, is_whole: bool) -> str:
        """Note a picture. Returns why the stream is to be ended, if it is."""
        self._has_come = True
        if is_whole:
            self._begin_s = None
            self._was_whole = self._was_whole or self._fourcc in RAW
        return self._judge() if self._fourcc in RAW else ""

    def end(self) -> str:
        """Note that the stream has ended. Returns what is to be said of it, if anything.

        One of which nothing came is judged here: a camera may also need longer, or have hung, which JPEG does not mend.
        """
        said = self._judge() if self._has_come or self.is_full or not self._was_whole else ""
        self._begin_s = None
        return said

    def _judge(self) -> str:
        if self._begin_s is None or self._other == self._fourcc or self._clock() - self._begin_s < WHOLE_S:
            return ""
        self._begin_s = None
        if self._fourcc not in RAW:
            self.is_full = False
            return f"no {self._fourcc} picture came whole either: {self._other} comes first again"
        self.is_full = True
        why = f"no {self._fourcc} picture came whole in {WHOLE_S:g} s, as where the bus has no room for them"
        return f"{why}: {self._other}, which takes less, comes first now"
