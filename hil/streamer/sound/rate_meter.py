# SPDX-License-Identifier: Apache-2.0
"""Measures the rate at which sound really comes, by counting its samples against the clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from itertools import pairwise

from vshm_ctypes.audio import SAMPLE_RATES

from .sample_clock import LEAK

WINDOW_NS = 600_000_000
WINDOWS = 4  # so many in a row must agree; a stall, burst or loss affects one or two
ODD_WINDOWS = 8  # so many for a rate that is not a usual one
LONG_WINDOWS = 25  # so many for a small deviation, so that delays at their ends do not matter
HOLE_NS = 300_000_000  # a shorter one loses nothing, since arecord has a buffer
NEAR = 0.05  # a smaller deviation may be a delay
SURE = 0.025  # a smaller deviation confirms the rate: the next usual one is three times as far, even on a busy machine
ALIKE = 0.04  # two usual rates differ by more
LITTLE = 1.6 / LEAK  # the largest difference between two clocks
FASTEST_HZ = max(SAMPLE_RATES.values())


class RateMeter:
    """Measures a rate by the times of arrival alone. rate: the expected one, in Hz."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.confirmed = False  # whether a window without a hole, or two in a row, have shown this rate
        self._was_near = False
        self._came: list[tuple[int, int]] = []  # (when, samples since the window's start)
        self._seen: deque[float] = deque(maxlen=LONG_WINDOWS)  # Hz of the last windows
        self._whole: deque[tuple[int, int]] = deque(maxlen=LONG_WINDOWS)  # (samples, ns) of the windows without a hole

    def count(self, samples: int, came_ns: int) -> None:
        """Count samples that arrived at came_ns (CLOCK_MONOTONIC)."""
        if not self._came:  # the first samples were captured before this time
            self._came.append((came_ns, 0))
            return
        self._came.append((came_ns, self._came[-1][1] + samples))
        if came_ns - self._came[0][0] >= WINDOW_NS:
            self._end_window()
            self._came = [(came_ns, 0)]

    def _end_window(self) -> None:
        hz = _envelope(self._came)
        hole_ns, samples = max((after[0] - one[0], after[1] - one[1]) for one, after in pairwise(self._came))
        took_ns, all_samples = self._came[-1][0] - self._came[0][0], self._came[-1][1]
        if hole_ns < HOLE_NS:
            self._whole.append((all_samples, took_ns))
        else:
            self._whole.clear()
            if hole_ns < took_ns:  # if only one hole is missing from the expected rate, its sound was lost
                hz = max(hz, min((all_samples - samples) * 1e9 / (took_ns - hole_ns), self.rate))
        is_near = abs(hz / self.rate - 1) <= SURE
        if is_near and (self._was_near or hole_ns < HOLE_NS):  # a hole makes another rate look like this one, once
            self.confirmed = True
        self._was_near = is_near
        self._seen.append(hz)

    @property
    def clockless(self) -> bool:
        """Whether sound comes as fast as it is read: faster than any card for two windows, or by far within one."""
        last = list(self._seen)[-2:]
        pending = self._came[-1][1] if self._came else 0
        return pending > 2 * FASTEST_HZ or (len(last) == 2 and min(last) > FASTEST_HZ * (1 + NEAR))

    def other(self) -> float | None:
        """Return the rate in Hz that the last windows show instead of the expected one, or None if they do not.

        Late sound catches up, and losses are irregular, so a slower rate counts only if all windows agree. A faster
        rate over so many windows can't be late sound.
        """
        hz = self._agreed(WINDOWS)
        if hz is not None and sample_rate(hz, self.rate) is not None:
            return hz
        hz = self._agreed(ODD_WINDOWS)
        if hz is not None and _alike(list(self._seen)[-ODD_WINDOWS:]):
            return hz
        return self._little_off()

    def _agreed(self, count: int) -> float | None:
        """Return the rate of the last count windows in Hz if all are faster, or all slower and alike, else None."""
        last = list(self._seen)[-count:]
        if len(last) < count:
            return None
        faster = min(last) > self.rate * (1 + NEAR)
        slower = max(last) < self.rate * (1 - NEAR) and _alike(last)
        return sum(last) / count if faster or slower else None

    def overall(self) -> float | None:
        """Return the overall rate in Hz if it is not the expected one and nothing can have been lost, else None."""
        if not self._whole or len(self._whole) != len(self._seen):
            return None
        hz = _hz(self._whole)
        return hz if abs(hz / self.rate - 1) > NEAR else None

    def _little_off(self) -> float | None:
        if len(self._whole) < LONG_WINDOWS or not _alike([samples / ns for samples, ns in self._whole]):
            return None
        hz = _hz(self._whole)
        return hz if abs(hz / self.rate - 1) > LITTLE else None


def _hz(windows: Collection[tuple[int, int]]) -> float:
    samples, took_ns = map(sum, zip(*windows, strict=True))
    return samples * 1e9 / took_ns


def _envelope(came: Sequence[tuple[int, int]]) -> float:
    """Return the rate in Hz between the least delayed samples at the start and at the end of the window."""
    third = len(came) // 3
    begin, end = came[0], came[-1]
    for _ in range(3 if third else 0):
        ns = (end[0] - begin[0]) / max(end[1] - begin[1], 1)  # per sample
        begin, end = (min(part, key=lambda at: at[0] - at[1] * ns) for part in (came[:third], came[-third:]))
    if end[0] - begin[0] < WINDOW_NS // 3:  # most of it came in one burst
        begin, end = came[0], came[-1]
    return (end[1] - begin[1]) * 1e9 / (end[0] - begin[0])


def _alike(seen: Collection[float]) -> bool:
    mean = sum(seen) / len(seen)
    return all(abs(hz - mean) <= mean * ALIKE for hz in seen)


def sample_rate(hz: float, expected: int) -> int | None:
    """Return the sample rate for a measured rate: near the expected one, or another usual one.

    None if there is none.
    """
    if abs(hz / expected - 1) <= NEAR:
        return round(hz)
    nearest = min(SAMPLE_RATES.values(), key=lambda rate: abs(rate - hz))
    return nearest if abs(nearest - hz) <= hz * ALIKE else None
