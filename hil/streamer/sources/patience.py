# SPDX-License-Identifier: Apache-2.0
"""Decides how long a source may be silent before it counts as stalled, which depends on its rate and its habits."""

from __future__ import annotations

from collections import deque

STALLED_S = 2.0
FIRST_PICTURE_S = 10.0  # for a camera that has to wake up, focus and meter first
MOST_S = 120.0  # the limit to which patience grows by itself
INTERVALS = 5.0
LEARNED_FROM = 8  # intervals: fewer may be a burst of buffered pictures
PAUSES = 2.0  # times the longest pause of late, or the last wait for a first picture
REMEMBERED_S = 3600.0  # how long a pause or a stall is kept in mind
TRIES = 2  # stalls in that time that may have been pauses
_UNSEEN_S = 1.0  # of an interval, may have passed while nobody looked


class Patience:
    """Judges silence by the measured intervals, and by the declared rate until enough were measured.

    A declared rate may be wrong, and a camera slows down in the dark, so the limit doubles each time it is exceeded
    before the intervals are known. A camera may also pause, to adjust itself. A pause that ended by itself is
    remembered. To find out whether there are such pauses, the limit is doubled after a stall and again after another
    one; if that does not help, the source really stalls, and waiting longer would only delay its repair.
    """

    def __init__(self) -> None:
        self._intervals: deque[float] = deque(maxlen=LEARNED_FROM)
        self._pauses: deque[tuple[float, float]] = deque()  # (end, length), each longer than those after it
        self._stalls: deque[float] = deque()
        self._last_s: float | None = None
        self._silence_s = 0.0  # that was seen since the last picture
        self._start_s = 0.0
        self._in_vain = 0

    def begin(self) -> None:
        """Start anew after the source was opened: the first picture may take longer."""
        self._last_s, self._silence_s = None, 0.0

    def waited(self, silence_s: float) -> None:
        """Note that nothing has come for so long.

        What is not noted does not count, such as the time for which this process was stopped.
        """
        self._silence_s = silence_s

    def came(self, now_s: float) -> None:
        """Note that a picture came at now_s, in seconds."""
        self._forget(now_s)
        silence_s, self._silence_s = self._silence_s, 0.0
        if self._last_s is None:
            self._start_s = silence_s
        else:
            self._intervals.append(min(now_s - self._last_s, silence_s + _UNSEEN_S))
            self._remember(now_s, silence_s)
        self._last_s = now_s
        if self._is_learned:
            self._in_vain = 0

    def _forget(self, now_s: float) -> None:
        while self._pauses and now_s - self._pauses[0][0] > REMEMBERED_S:
            self._pauses.popleft()
        while self._stalls and now_s - self._stalls[0] > REMEMBERED_S:
            self._stalls.popleft()

    def _remember(self, now_s: float, silence_s: float) -> None:
        if silence_s * PAUSES <= STALLED_S:
            return
        while self._pauses and self._pauses[-1][1] <= silence_s:
            self._pauses.pop()
        self._pauses.append((now_s, silence_s))
        if silence_s > STALLED_S:  # what counted as stalls were pauses, most likely
            self._stalls.clear()

    def ended(self, now_s: float) -> None:
        """Note that the limit was exceeded: the measured intervals may no longer hold."""
        self._intervals.clear()
        self._in_vain += 1
        self._stalls.append(now_s)

    @property
    def _is_learned(self) -> bool:
        return len(self._intervals) == LEARNED_FROM

    def limit_s(self, fps: float) -> float:
        """Return the longest normal silence in seconds. fps: the declared rate, or 0 if there is none."""
        told_s = 1 / fps if fps > 0 and not self._is_learned else 0.0
        pause_s = self._pauses[0][1] if self._pauses else 0.0
        limit_s = max(STALLED_S, INTERVALS * max(told_s, *self._intervals, 0.0), PAUSES * pause_s)
        if self._last_s is None or not self._intervals:
            limit_s = max(limit_s, FIRST_PICTURE_S, PAUSES * self._start_s)
        tries = len(self._stalls) if len(self._stalls) <= TRIES else 0
        return max(limit_s, min(limit_s * 2.0 ** max(self._in_vain, tries), MOST_S))
