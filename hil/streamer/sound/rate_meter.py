# SPDX-License-Identifier: Apache-2.0
"""The rate that sound really comes at: its samples counted against the clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from vshm_ctypes.audio import SAMPLE_RATES

from .sample_clock import LEAK

WINDOW_NS = 500_000_000
WINDOWS = 4  # so many in a row must agree: a stall, a burst or a loss makes one or two
LONG_WINDOWS = 30  # and so many where it is off by little: what is late at their ends is nothing then
HOLE_NS = 300_000_000  # shorter, nothing is lost: arecord has a buffer
NEAR = 0.05  # what is off by less may have been delayed
ALIKE = 0.04  # two usual rates are further apart
LITTLE = 1.6 / LEAK  # clocks are off by no more
FASTEST_HZ = max(SAMPLE_RATES.values())


class RateMeter:
    """rate: what is expected, in Hz. Nothing but the times that it is told counts here."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.confirmed = False  # a window has shown this rate
        self._begin_ns: int | None = None
        self._last_ns = self._samples = 0
        self._hole = (0, 0)
        self._seen: deque[float] = deque(maxlen=WINDOWS)  # Hz, of the last windows
        self._whole: deque[tuple[int, int]] = deque(maxlen=LONG_WINDOWS)  # samples and ns of those without a hole

    def count(self, samples: int, came_ns: int) -> None:
        """So many samples have just come. came_ns: CLOCK_MONOTONIC."""
        if self._begin_ns is None:  # what comes first was captured before
            self._begin(came_ns)
            return
        self._samples += samples
        hole = came_ns - self._last_ns, samples
        self._hole, self._last_ns = max(self._hole, hole), came_ns
        if came_ns - self._begin_ns >= WINDOW_NS:
            self._end_window(came_ns - self._begin_ns)
            self._begin(came_ns)

    def _begin(self, now_ns: int) -> None:
        self._begin_ns = self._last_ns = now_ns
        self._samples, self._hole = 0, (0, 0)  # the longest time without sound, and how much there was after it

    def _end_window(self, took_ns: int) -> None:
        hz = self._samples * 1e9 / took_ns
        hole_ns, samples = self._hole
        if hole_ns < HOLE_NS:
            self._whole.append((self._samples, took_ns))
        else:
            self._whole.clear()
            if hole_ns < took_ns:  # where the expected rate is reached but for one hole, what is missing was lost in it
                hz = max(hz, min((self._samples - samples) * 1e9 / (took_ns - hole_ns), self.rate))
        self._seen.append(hz)
        self.confirmed = self.confirmed or abs(hz / self.rate - 1) <= NEAR

    @property
    def clockless(self) -> bool:
        """Whether it comes as fast as it is read: faster than any card for two windows, or by far within one."""
        last = list(self._seen)[-2:]
        return self._samples > 2 * FASTEST_HZ or (len(last) == 2 and min(last) > FASTEST_HZ * (1 + NEAR))

    def other(self) -> float | None:
        """The rate in Hz that the last windows show instead of the expected one; None: they do not.

        Late sound catches up, and lost sound is lost irregularly: slower is another rate only if all agree. Faster for
        so long no late sound can be.
        """
        if len(self._seen) < WINDOWS:
            return None
        faster = min(self._seen) > self.rate * (1 + NEAR)
        slower = _alike(self._seen, ALIKE) and max(self._seen) < self.rate * (1 - NEAR)
        if faster or slower:
            return sum(self._seen) / WINDOWS
        return self._little_off()

    def _little_off(self) -> float | None:
        if len(self._whole) < LONG_WINDOWS or not _alike([samples / ns for samples, ns in self._whole], ALIKE):
            return None
        samples, took_ns = map(sum, zip(*self._whole, strict=True))
        hz = samples * 1e9 / took_ns
        return hz if abs(hz / self.rate - 1) > LITTLE else None


def _alike(seen: Collection[float], share: float) -> bool:
    mean = sum(seen) / len(seen)
    return all(abs(hz / mean - 1) <= share for hz in seen)


def sample_rate(hz: float, expected: int) -> int | None:
    """The sample rate that this is: nearly the expected one, or another one in use; None: there is none."""
    if abs(hz / expected - 1) <= NEAR:
        return round(hz)
    nearest = min(SAMPLE_RATES.values(), key=lambda rate: abs(rate / hz - 1))
    return nearest if abs(nearest / hz - 1) <= ALIKE else None
