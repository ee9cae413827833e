# SPDX-License-Identifier: Apache-2.0
"""The rate that sound really comes at: its samples counted against the clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from itertools import pairwise

from vshm_ctypes.audio import SAMPLE_RATES

from .sample_clock import LEAK

WINDOW_NS = 600_000_000
WINDOWS = 4  # so many in a row must agree: a stall, a burst or a loss makes one or two
ODD_WINDOWS = 8  # and so many where they show no rate that is in use
LONG_WINDOWS = 25  # and so many where it is off by little: what is late at their ends is nothing then
HOLE_NS = 300_000_000  # shorter, nothing is lost: arecord has a buffer
NEAR = 0.05  # what is off by less may have been delayed
SURE = 0.025  # what is off by less shows the rate: the next one in use is three times as far, also on a busy machine
ALIKE = 0.04  # two usual rates are further apart
LITTLE = 1.6 / LEAK  # clocks are off by no more
FASTEST_HZ = max(SAMPLE_RATES.values())


class RateMeter:
    """rate: what is expected, in Hz. Nothing but the times that it is told counts here."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.confirmed = False  # a window has shown this rate
        self._came: list[tuple[int, int]] = []  # when, and how many samples since the window's begin
        self._seen: deque[float] = deque(maxlen=LONG_WINDOWS)  # Hz, of the last windows
        self._whole: deque[tuple[int, int]] = deque(maxlen=LONG_WINDOWS)  # samples and ns of those without a hole

    def count(self, samples: int, came_ns: int) -> None:
        """So many samples have just come. came_ns: CLOCK_MONOTONIC."""
        if not self._came:  # what comes first was captured before
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
            if hole_ns < took_ns:  # where the expected rate is reached but for one hole, what is missing was lost in it
                hz = max(hz, min((all_samples - samples) * 1e9 / (took_ns - hole_ns), self.rate))
        self._seen.append(hz)
        self.confirmed = self.confirmed or abs(hz / self.rate - 1) <= SURE

    @property
    def clockless(self) -> bool:
        """Whether it comes as fast as it is read: faster than any card for two windows, or by far within one."""
        last = list(self._seen)[-2:]
        pending = self._came[-1][1] if self._came else 0
        return pending > 2 * FASTEST_HZ or (len(last) == 2 and min(last) > FASTEST_HZ * (1 + NEAR))

    def other(self) -> float | None:
        """The rate in Hz that the last windows show instead of the expected one; None: they do not.

        Late sound catches up, and lost sound is lost irregularly: slower is another rate only if all agree. Faster for
        so long no late sound can be.
        """
        hz = self._agreed(WINDOWS)
        if hz is not None and sample_rate(hz, self.rate) is not None:
            return hz
        hz = self._agreed(ODD_WINDOWS)
        if hz is not None and _alike(list(self._seen)[-ODD_WINDOWS:]):
            return hz
        return self._little_off()

    def _agreed(self, count: int) -> float | None:
        """Hz of the last windows, where all are faster, or slower and alike."""
        last = list(self._seen)[-count:]
        if len(last) < count:
            return None
        faster = min(last) > self.rate * (1 + NEAR)
        slower = max(last) < self.rate * (1 - NEAR) and _alike(last)
        return sum(last) / count if faster or slower else None

    def overall(self) -> float | None:
        """The rate in Hz of all that came so far, if it is another one and nothing can have been lost."""
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
    """Hz between what was least late at the window's begin, and what was so at its end."""
    third = len(came) // 3
    begin, end = came[0], came[-1]
    for _ in range(3 if third else 0):
        ns = (end[0] - begin[0]) / max(end[1] - begin[1], 1)  # for a sample
        begin, end = (min(part, key=lambda at: at[0] - at[1] * ns) for part in (came[:third], came[-third:]))
    if end[0] - begin[0] < WINDOW_NS // 3:  # most of it came in one burst
        begin, end = came[0], came[-1]
    return (end[1] - begin[1]) * 1e9 / (end[0] - begin[0])


def _alike(seen: Collection[float]) -> bool:
    mean = sum(seen) / len(seen)
    return all(abs(hz - mean) <= mean * ALIKE for hz in seen)


def sample_rate(hz: float, expected: int) -> int | None:
    """The sample rate that this is: nearly the expected one, or another one in use; None: there is none."""
    if abs(hz / expected - 1) <= NEAR:
        return round(hz)
    nearest = min(SAMPLE_RATES.values(), key=lambda rate: abs(rate - hz))
    return nearest if abs(nearest - hz) <= hz * ALIKE else None
