# SPDX-License-Identifier: Apache-2.0
"""Two clocks told apart: the true offset is known here, and is never outside of what is said."""

import random

from vshm_ctypes.cli.relay.clock import SLEW, Clock, RoundTrip

SECOND = 10**9
OFFSET = -123_456_789_012  # ours minus the other one, at our second 0


class Link:
    """Round trips to a board whose clock runs slower by a drift; each way takes its own time."""

    def __init__(self, drift_ppm: float, seed: int = 23) -> None:
        self._drift = drift_ppm * 1e-6
        self._chance = random.Random(seed)

    def offset_ns(self, now_ns: int) -> int:
        return OFFSET + round(now_ns * self._drift)

    def trip(self, at_ns: int, there_ns: int, back_ns: int) -> RoundTrip:
        arrived = at_ns + there_ns
        other = arrived - self.offset_ns(arrived)
        return RoundTrip.of(at_ns, other, other + 1000, arrived + 1000 + back_ns)

    def queued(self, at_ns: int) -> RoundTrip:
        """A round trip over a link of 50 ms each way, whose one direction is often busy."""
        wait = self._chance.choice([0, 0, 1, 5, 20, 100, 300]) * 10**6
        return self.trip(at_ns, 50 * 10**6 + wait + self._chance.randrange(10**6), 50 * 10**6)


def test_the_true_offset_is_within_the_uncertainty_whatever_the_ways_take() -> None:
    for drift_ppm in (-90.0, -20.0, 0.0, 3.0, 60.0):
        link, clock = Link(drift_ppm), Clock()
        for second in range(300):
            clock.add(link.queued(second * SECOND))
            now = second * SECOND + SECOND // 2
            clock.translate(10**15, now)
            told = clock.used(now)
            assert told is not None
            assert abs(told.offset_ns - link.offset_ns(now)) <= told.uncertainty_ns
            assert told.uncertainty_ns < 400 * 10**6


def test_the_shortest_round_trip_counts() -> None:
    link, clock = Link(0), Clock()
    clock.add(link.trip(0, 300 * 10**6, 10**6))
    clock.add(link.trip(SECOND, 10**6, 10**6))
    clock.add(link.trip(2 * SECOND, 300 * 10**6, 10**6))
    told = clock.estimate(3 * SECOND)
    assert told is not None
    assert abs(told.offset_ns - OFFSET) < 10**6
    assert told.uncertainty_ns < 2 * 10**6


def test_an_old_round_trip_says_less() -> None:
    link, clock = Link(90), Clock()
    clock.add(link.trip(0, 10**5, 10**5))
    told = clock.estimate(100 * SECOND)
    assert told is not None
    assert abs(told.offset_ns - link.offset_ns(100 * SECOND)) <= told.uncertainty_ns


def test_drift_is_found_and_followed() -> None:
    link, clock = Link(40), Clock()
    for second in range(120):
        clock.add(link.trip(second * SECOND, 10**5, 10**5))
    told = clock.estimate(125 * SECOND)
    assert told is not None
    assert told.drift_ppm is not None
    assert abs(told.drift_ppm - 40) < 5
    assert abs(told.offset_ns - link.offset_ns(125 * SECOND)) < 10**5


def test_times_are_translated_without_jumps() -> None:
    link, clock = Link(0), Clock()
    clock.add(link.trip(0, 40 * 10**6, 2 * 10**6))
    before = clock.translate(10**15, SECOND)
    clock.add(link.trip(SECOND, 10**6, 10**6))  # says better
    after = clock.translate(10**15, 2 * SECOND)
    assert 0 < abs(after - before) <= SLEW * SECOND
    assert abs(clock.translate(10**15, 100 * SECOND) - (10**15 + OFFSET)) < 2 * 10**6


def test_another_clock_is_taken_over_at_once() -> None:
    clock = Clock()
    clock.add(RoundTrip(0, 5 * SECOND, 10**6))
    clock.offset_ns(1)
    clock.add(RoundTrip(SECOND, 900 * SECOND, 10**5))
    assert clock.offset_ns(SECOND + 1) == 900 * SECOND


def test_no_time_stays_none_and_no_time_is_before_the_start() -> None:
    clock = Clock()
    assert clock.estimate(0) is None
    assert clock.translate(7, 0) == 7
    clock.add(RoundTrip(0, -50 * SECOND, 10))
    assert clock.translate(0, 1) == 0
    assert clock.translate(SECOND, 1) == 1
