# SPDX-License-Identifier: Apache-2.0
"""The statistic of gate and benchmarks: a wrong one would let a slow library pass, or a good one fail."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("scipy", reason="not installed: pip install video-shm[hil]")

from hil.figures.statistic import Interval, median_interval, percentile_us


def test_equal_values_give_an_interval_of_no_width() -> None:
    assert median_interval([1.5] * 4) == Interval(1.5, 1.5, 1.5)


def test_the_interval_of_twenty_values_is_what_the_binomial_says() -> None:
    """By binomial sums, 95 % of the bootstrap's medians of 1 to 20 lie from the 6th to the 15th, or half a step off."""
    values = [float((at * 7) % 20 + 1) for at in range(20)]
    middle, low, high = median_interval(values)
    assert middle == 10.5
    assert low == pytest.approx(6.5, abs=0.51)
    assert high == pytest.approx(14.5, abs=0.51)


def test_one_wild_value_in_twenty_moves_neither_median_nor_interval_far() -> None:
    values = [1 + at * 0.001 for at in range(19)] + [1000.0]
    middle, _, high = median_interval(values)
    assert middle < 1.02 and high < 1.02


def test_the_same_values_give_the_same_interval() -> None:
    chance = random.Random(1)
    values = [chance.random() for _ in range(400)]
    assert len({median_interval(values) for _ in range(3)}) == 1


def test_one_value_has_no_interval() -> None:
    with pytest.raises(ValueError, match="1 samples have no interval"):
        median_interval([1.0])


def test_a_percentile_of_no_times_is_none() -> None:
    assert percentile_us([], 99) is None
    assert percentile_us([1000, 3000], 50) == 2.0
    assert percentile_us(list(range(0, 101_000, 1000)), 99) == pytest.approx(99.0)
