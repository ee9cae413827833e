# SPDX-License-Identifier: Apache-2.0
"""Tells the CLOCK_MONOTONIC of two boards apart, by round trips.

A round trip bounds the offset: the other clock was read between two readings of ours, so half of the round trip is the
uncertainty, whatever the way there and back took each. The shortest round trips say most, so the best of each period is
kept; between old and new ones the drift shows.
"""

from __future__ import annotations

from dataclasses import dataclass

PERIOD_NS = 10 * 10**9
MOST_PERIODS = 12
DRIFT = 100e-6  # of two quartzes, at most, before it is measured
SLEW = 500e-6  # times of frames are stretched no more than this when the estimate changes
STEP_NS = 20 * 10**6  # a larger error is mended at once: slowly, it would take longer than a minute
LEAST_SPAN_NS = 30 * 10**9  # to tell drift from noise


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One question and its answer.

    Attributes:
        at_ns: when, ns of our clock: the middle.
        offset_ns: our clock minus the other one.
        uncertainty_ns: half of the time that it took.
    """

    at_ns: int
    offset_ns: int
    uncertainty_ns: int

    @classmethod
    def of(cls, asked_ns: int, arrived_ns: int, answered_ns: int, returned_ns: int) -> RoundTrip:
        """asked_ns and returned_ns by our clock, the others by the other board's."""
        uncertainty_ns = max((returned_ns - asked_ns) - (answered_ns - arrived_ns), 0) // 2
        middle_ns = (asked_ns + returned_ns) // 2
        return cls(middle_ns, middle_ns - (arrived_ns + answered_ns) // 2, uncertainty_ns + 1)


@dataclass(frozen=True, slots=True)
class Offset:
    """Our clock minus the other one.

    Attributes:
        offset_ns: what is added to a time of the other board.
        uncertainty_ns: the true offset is no further away than this.
        drift_ppm: how much faster our clock runs; None if that is not known yet.
    """

    offset_ns: int
    uncertainty_ns: int
    drift_ppm: float | None


class Clock:
    """Estimates the offset from round trips, and translates times without jumps."""

    def __init__(self) -> None:
        self._best: list[RoundTrip] = []  # of each period, the oldest first
        self._used: tuple[int, int] | None = None  # when, and which offset

    def add(self, trip: RoundTrip) -> None:
        """Take a round trip into account."""
        if self._best and trip.at_ns // PERIOD_NS == self._best[-1].at_ns // PERIOD_NS:
            best = self._best[-1]
            if trip.uncertainty_ns <= best.uncertainty_ns + (trip.at_ns - best.at_ns) * DRIFT:
                self._best[-1] = trip
        else:
            self._best = [*self._best[1 - MOST_PERIODS :], trip]

    def _drift(self) -> tuple[float, float] | None:
        """Return the drift, and how uncertain it is; None if too little is known."""
        if len(self._best) < 2:
            return None
        half = len(self._best) // 2
        old = min(self._best[:half], key=lambda trip: trip.uncertainty_ns)
        new = min(self._best[half:], key=lambda trip: trip.uncertainty_ns)
        span_ns = new.at_ns - old.at_ns
        if span_ns < LEAST_SPAN_NS:
            return None
        error = (old.uncertainty_ns + new.uncertainty_ns) / span_ns
        return None if error > DRIFT else ((new.offset_ns - old.offset_ns) / span_ns, error)

    def estimate(self, now_ns: int) -> Offset | None:
        """Return the offset at now_ns of our clock, or None before the first round trip."""
        if not self._best:
            return None
        drift = self._drift()
        rate, doubt = drift if drift is not None else (0.0, DRIFT)

        def uncertainty(trip: RoundTrip) -> float:
            return trip.uncertainty_ns + abs(now_ns - trip.at_ns) * doubt

        best = min(self._best, key=uncertainty)
        offset_ns = best.offset_ns + round((now_ns - best.at_ns) * rate)
        return Offset(offset_ns, round(uncertainty(best)), None if drift is None else round(rate * 1e6, 3))

    def translate(self, other_ns: int, now_ns: int) -> int:
        """Return a time of the other board by our clock: 0, which means none, stays 0."""
        if not other_ns:
            return 0
        return max(other_ns + self.offset_ns(now_ns), 1)

    def used(self, now_ns: int) -> Offset | None:
        """Return the offset that times are translated by now, or None before the first round trip."""
        told = self.estimate(now_ns)
        if told is None or self._used is None:
            return told
        offset_ns = self._used[1]
        return Offset(offset_ns, told.uncertainty_ns + abs(told.offset_ns - offset_ns), told.drift_ppm)

    def offset_ns(self, now_ns: int) -> int:
        """Return the offset for a time that is translated now: it follows the estimate slowly."""
        told = self.estimate(now_ns)
        if told is None:
            return 0
        wanted_ns = told.offset_ns
        if self._used is not None:
            then_ns, used_ns = self._used
            if abs(wanted_ns - used_ns) <= STEP_NS:
                most_ns = round(max(now_ns - then_ns, 0) * SLEW)
                wanted_ns = used_ns + min(max(wanted_ns - used_ns, -most_ns), most_ns)
        self._used = now_ns, wanted_ns
        return wanted_ns
