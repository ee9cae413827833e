# SPDX-License-Identifier: Apache-2.0
"""The rate that sound really comes at: its samples counted against the clock."""

from __future__ import annotations

from collections import deque

from vshm_ctypes.audio import SAMPLE_RATES

WINDOW_NS = 500_000_000
WINDOWS = 4  # so many in a row must agree: a stall, a burst or a loss makes one or two
HOLE_NS = 100_000_000
NEAR = 0.05  # what is off by less is the rate: of an ordinary card, the way to here trembles more
ALIKE = 0.04  # two usual rates are further apart
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

    def count(self, samples: int, came_ns: int) -> None:
        """So many samples have just come. came_ns: CLOCK_MONOTONIC."""
        if self._begin_ns is None:  # what comes first was captured before
            self._begin(came_ns)
            return
        self._samples += samples
        hole = came_ns - self._last_ns, samples
        self._hole, self._last_ns = max(self._hole, hole), came_ns
        if came_ns - self._begin_ns >= WINDOW_NS:
            self._seen.append(self._hz(came_ns - self._begin_ns))
            self.confirmed = self.confirmed or abs(self._seen[-1] / self.rate - 1) <= NEAR
            self._begin(came_ns)

    def _begin(self, now_ns: int) -> None:
        self._begin_ns = self._last_ns = now_ns
        self._samples, self._hole = 0, (0, 0)  # the longest time without sound, and how much there was after it

    def _hz(self, took_ns: int) -> float:
        """Of this window. Where the expected rate is reached but for one long hole, what is missing was lost in it."""
        hz = self._samples * 1e9 / took_ns
        hole_ns, samples = self._hole
        if not HOLE_NS < hole_ns < took_ns:
            return hz
        return max(hz, min((self._samples - samples) * 1e9 / (took_ns - hole_ns), self.rate))

    @property
    def clockless(self) -> bool:
        """Whether it comes as fast as it is read: faster than any card for two windows, or by far within one."""
        last = list(self._seen)[-2:]
        return self._samples > 2 * FASTEST_HZ or (len(last) == 2 and min(last) > FASTEST_HZ * (1 + NEAR))

    def other(self) -> float | None:
        """The rate in Hz that all of the last windows show instead of the expected one; None: they do not.

        Late sound catches up, and lost sound is lost irregularly: slower is another rate only if all agree. Faster for
        so long no late sound can be.
        """
        if len(self._seen) < WINDOWS:
            return None
        mean = sum(self._seen) / WINDOWS
        agree = all(abs(hz / mean - 1) <= ALIKE for hz in self._seen)
        faster = min(self._seen) > self.rate * (1 + NEAR)
        slower = agree and max(self._seen) < self.rate * (1 - NEAR)
        return mean if faster or slower else None


def usual_rate(hz: float) -> int | None:
    """The sample rate in use that this is; None: there is none."""
    nearest = min(SAMPLE_RATES.values(), key=lambda rate: abs(rate / hz - 1))
    return nearest if abs(nearest / hz - 1) <= ALIKE else None
