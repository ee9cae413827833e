# SPDX-License-Identifier: Apache-2.0
"""The rate that sound really comes at: told from stalls, bursts, losses and clocks that are a little off."""

from collections.abc import Iterator

import numpy
import pytest

from hil.streamer.sound.rate_meter import RateMeter, sample_rate
from vshm_ctypes.audio import SAMPLE_RATES

RATE = 48000
MS = 1_000_000
Arrivals = Iterator[tuple[int, int]]  # samples, when they came in ns


def arrivals(hz: float, seconds: float, chunk_s: float = 0.01, tremble_s: float = 0.002) -> Arrivals:
    random = numpy.random.default_rng(1)
    count, last_s = round(hz * chunk_s), 0.0
    for at in range(round(seconds / chunk_s)):
        last_s = max(last_s, (at + 1) * count / hz + random.exponential(tremble_s))
        yield count, round(last_s * 1e9)


def held_up(came: Arrivals, every_s: float, for_s: float, kept_s: float = 10.0) -> Arrivals:
    """Yield arrivals that are held up for for_s of each every_s; what was kept meanwhile comes at once."""
    pending = 0
    for samples, at_ns in came:
        pending = min(pending + samples, round(kept_s * RATE))
        if at_ns / 1e9 % every_s >= for_s or at_ns < every_s * 1e9:
            yield pending, at_ns
            pending = 0


def found(came: Arrivals, rate: int = RATE) -> float | None:
    """Return the other rate, or None if the meter finds none."""
    meter = RateMeter(rate)
    for samples, at_ns in came:
        meter.count(samples, at_ns)
        assert not meter.clockless
        if (hz := meter.other()) is not None:
            return hz
    assert meter.confirmed
    return None


@pytest.mark.parametrize("chunk_s", [0.005, 0.01, 0.1, 0.4, 1.0])
@pytest.mark.parametrize("hz", SAMPLE_RATES.values())
def test_every_rate_is_told_from_the_one_asked_for(hz: int, chunk_s: float) -> None:
    told = found(arrivals(hz, 8, chunk_s))
    assert (told and sample_rate(told, RATE)) == (None if hz == RATE else hz)


@pytest.mark.parametrize("ppm", [-2000, -500, -200, 200, 500, 2000])
def test_a_clock_that_is_a_little_off_is_no_other_rate(ppm: float) -> None:
    assert found(arrivals(RATE * (1 + ppm * 1e-6), 60)) is None


@pytest.mark.parametrize(("every_s", "for_s"), [(1.0, 0.3), (2.0, 0.8), (3.0, 1.5), (10.0, 6.0), (0.7, 0.4)])
def test_who_is_held_up_and_catches_up_has_no_other_rate(every_s: float, for_s: float) -> None:
    assert found(held_up(arrivals(RATE, 40), every_s, for_s)) is None


@pytest.mark.parametrize(("every_s", "for_s"), [(2.0, 1.2), (3.0, 2.5), (5.0, 2.0)])
def test_lost_sound_is_no_other_rate(every_s: float, for_s: float) -> None:
    assert found(held_up(arrivals(RATE, 40), every_s, for_s, kept_s=0.8)) is None


def held_up_once(came: Arrivals, begin_s: float, for_s: float) -> Arrivals:
    pending = 0
    for samples, at_ns in came:
        pending += samples
        if not begin_s <= at_ns / 1e9 < begin_s + for_s:
            yield pending, at_ns
            pending = 0


@pytest.mark.parametrize("chunk_s", [0.01, 0.02])
@pytest.mark.parametrize("for_s", [0.4, 0.6, 0.8, 1.2])
def test_who_is_held_up_once_is_not_taken_for_the_rate_asked_for(chunk_s: float, for_s: float) -> None:
    for begin_s in numpy.arange(0.05, 2, 0.05):
        meter = RateMeter(RATE)
        for samples, at_ns in held_up_once(arrivals(44100, 8, chunk_s), begin_s, for_s):
            meter.count(samples, at_ns)
            if meter.other() is not None:
                break
        assert not meter.confirmed


def test_a_busy_machine_is_no_other_rate() -> None:
    for tremble_s in (0.01, 0.02, 0.04):
        assert found(arrivals(RATE, 300, tremble_s=tremble_s)) is None


def test_a_burst_is_no_other_rate_whenever_it_comes() -> None:
    for at in (0, 1, 2, 300):
        came = list(arrivals(RATE, 10))
        came[at] = came[at][0] + 3 * RATE, came[at][1]
        assert found(iter(came)) is None


def test_what_is_read_in_many_pieces_at_once_has_a_rate_too() -> None:
    came = [(480, round((at / 10 + 1) * 1e9)) for at in range(100)]
    assert found(iter(came[:1] + [(48, at_ns) for _, at_ns in came for _ in range(100)])) is None


def test_a_rate_that_changes_midway_is_found() -> None:
    came = list(arrivals(RATE, 5))
    came += [(samples, at_ns + came[-1][1]) for samples, at_ns in arrivals(44100, 5)]
    told = found(iter(came))
    assert told and sample_rate(told, RATE) == 44100


@pytest.mark.parametrize("share", [0.96, 0.98, 0.995, 1.005, 1.02, 1.04])
@pytest.mark.parametrize("chunk_s", [0.01, 0.1])
def test_a_clock_that_is_off_by_more_than_clocks_are_is_found_as_it_is(share: float, chunk_s: float) -> None:
    told = found(arrivals(RATE * share, 30, chunk_s))
    assert told and sample_rate(told, RATE) == pytest.approx(RATE * share, rel=0.0015)


def test_a_rate_that_nobody_uses_is_none() -> None:
    for hz in (37000, 27000, 5000, 130_000):
        told = found(arrivals(hz, 5))
        assert told and told == pytest.approx(hz, rel=0.01)
        assert sample_rate(told, RATE) is None


@pytest.mark.parametrize("hz", [250_000, 10**6, 10**8])
@pytest.mark.parametrize("rate", [8000, 48000, 192_000])
def test_a_source_without_a_clock_is_told_before_it_fills_the_memory(rate: int, hz: int) -> None:
    meter, taken = RateMeter(rate), 0
    for samples, at_ns in arrivals(hz, 3, chunk_s=0.002, tremble_s=0):
        meter.count(samples, at_ns)
        taken += samples
        if meter.clockless or meter.other() is not None:
            break
    assert meter.clockless
    assert taken < 10 * max(SAMPLE_RATES.values())


def test_a_card_of_the_highest_rate_has_a_clock() -> None:
    told = found(held_up(arrivals(192_000, 20), 2.0, 0.8), rate=192_000)
    assert told is None
