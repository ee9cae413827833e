# SPDX-License-Identifier: Apache-2.0
"""Notices a camera that gives fewer pictures than it agreed to, as many do in the dark, where they expose longer."""

from __future__ import annotations

WINDOW_NS = 5_000_000_000
WINDOWS = 2  # in a row: a pause, as while it adjusts itself, falls into one
SLOW = 0.75  # of the rate that was agreed on; less than that is no rounding, and no clock


class RateWatch:
    """Measures the camera's own rate, by its times and the driver's numbers. fps: what was agreed on, or 0."""

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._begin_ns: int | None = None
        self._count = 0
        self._slow = 0  # windows in a row
        self._is_told = False

    def take(self, capture_ns: int, missing: int) -> float | None:
        """Return the rate once if it turns out to be too low, else None.

        missing: pictures that the driver lost before this one, which the camera gave all the same; -1: nobody knows.
        """
        if self._is_told or not self._fps:
            return None
        if self._begin_ns is None or missing < 0 or capture_ns < self._begin_ns:
            self._begin_ns, self._count = capture_ns, 0
            return None
        self._count += 1 + missing
        passed_ns = capture_ns - self._begin_ns
        if passed_ns < WINDOW_NS:
            return None
        rate = self._count * 1e9 / passed_ns
        self._begin_ns, self._count = capture_ns, 0
        self._slow = self._slow + 1 if rate < SLOW * self._fps else 0
        self._is_told = self._slow == WINDOWS
        return rate if self._is_told else None
