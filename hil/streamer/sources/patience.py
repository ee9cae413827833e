# SPDX-License-Identifier: Apache-2.0
"""How long a source may be silent before it counts as stalled: what that is depends on its rate."""

from __future__ import annotations

from collections import deque

STALLED_S = 2.0
FIRST_PICTURE_S = 10.0  # for a camera that wakes up, focuses and meters first
MOST_S = 120.0  # to which patience grows by itself
INTERVALS = 5.0
LEARNED_FROM = 8  # intervals: fewer may be a burst of what was waiting


class Patience:
    """Judges silence by the intervals that were seen, and by the rate that the source tells until enough were.

    A rate that is told may be wrong, and a camera in the dark slows down: each time that patience ends before the
    intervals are known, it doubles.
    """

    def __init__(self) -> None:
        self._intervals: deque[float] = deque(maxlen=LEARNED_FROM)
        self._last_s: float | None = None
        self._in_vain = 0

    def begin(self) -> None:
        """The source was opened: the first picture takes its time."""
        self._last_s = None

    def came(self, now_s: float) -> None:
        """Something came at that time, in seconds."""
        if self._last_s is not None:
            self._intervals.append(now_s - self._last_s)
        self._last_s = now_s
        if self._is_learned:
            self._in_vain = 0

    def ended(self) -> None:
        """Silence was longer than limit_s: what was learned need not hold any more."""
        self._intervals.clear()
        self._in_vain += 1

    @property
    def _is_learned(self) -> bool:
        return len(self._intervals) == LEARNED_FROM

    def limit_s(self, fps: float) -> float:
        """How much silence is none to worry about. fps: what the source tells; 0: it does not."""
        told_s = 1 / fps if fps > 0 and not self._is_learned else 0.0
        limit_s = max(STALLED_S, INTERVALS * max(told_s, *self._intervals, 0.0))
        if self._last_s is None or not self._intervals:
            limit_s = max(limit_s, FIRST_PICTURE_S)
        return max(limit_s, min(limit_s * 2.0**self._in_vain, MOST_S))
