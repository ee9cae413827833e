# SPDX-License-Identifier: Apache-2.0
"""Decides how long a source may be silent before it counts as stalled, which depends on its rate."""

from __future__ import annotations

from collections import deque

STALLED_S = 2.0
FIRST_PICTURE_S = 10.0  # for a camera that has to wake up, focus and meter first
MOST_S = 120.0  # the limit to which patience grows by itself
INTERVALS = 5.0
LEARNED_FROM = 8  # intervals: fewer may be a burst of buffered pictures


class Patience:
    """Judges silence by the measured intervals, and by the declared rate until enough were measured.

    A declared rate may be wrong, and a camera slows down in the dark, so the limit doubles each time it is exceeded
    before the intervals are known.
    """

    def __init__(self) -> None:
        self._intervals: deque[float] = deque(maxlen=LEARNED_FROM)
        self._last_s: float | None = None
        self._in_vain = 0

    def begin(self) -> None:
        """Start anew after the source was opened: the first picture may take longer."""
        self._last_s = None

    def came(self, now_s: float) -> None:
        """Note that a picture came at now_s, in seconds."""
        if self._last_s is not None:
            self._intervals.append(now_s - self._last_s)
        self._last_s = now_s
        if self._is_learned:
            self._in_vain = 0

    def ended(self) -> None:
        """Note that the limit was exceeded: the measured intervals may no longer hold."""
        self._intervals.clear()
        self._in_vain += 1

    @property
    def _is_learned(self) -> bool:
        return len(self._intervals) == LEARNED_FROM

    def limit_s(self, fps: float) -> float:
        """Return the longest normal silence in seconds. fps: the declared rate, or 0 if there is none."""
        told_s = 1 / fps if fps > 0 and not self._is_learned else 0.0
        limit_s = max(STALLED_S, INTERVALS * max(told_s, *self._intervals, 0.0))
        if self._last_s is None or not self._intervals:
            limit_s = max(limit_s, FIRST_PICTURE_S)
        return max(limit_s, min(limit_s * 2.0**self._in_vain, MOST_S))
