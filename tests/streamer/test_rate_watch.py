# SPDX-License-Identifier: Apache-2.0
"""A camera that gives fewer pictures than it agreed to is noticed, once, and a busy machine is not taken for one."""

import random

import pytest

from hil.streamer.sources.rate_watch import RateWatch


def told(agreed_fps: float, fps: float, seconds: float, lost_share: float = 0.0, jitter: float = 0.0) -> list[float]:
    """Return what was said of a camera of that rate, of whose pictures a share was lost in the driver."""
    watch, chance = RateWatch(agreed_fps), random.Random(5)
    said, missing = [], 0
    for number in range(round(seconds * fps)):
        if chance.random() < lost_share:
            missing += 1
            continue
        rate = watch.take(round((number + jitter * chance.random()) * 1e9 / fps), missing)
        missing = 0
        said += [rate] if rate is not None else []
    return said


@pytest.mark.parametrize("fps", [0.5, 10, 20])
def test_too_low_a_rate_is_told_once(fps: float) -> None:
    (rate,) = told(30, fps, 60)
    assert rate == pytest.approx(fps, rel=0.01)


@pytest.mark.parametrize("fps", [24, 29.97, 30, 60])
def test_a_rate_that_is_kept_or_nearly_is_not_told(fps: float) -> None:
    assert told(30, fps, 60, jitter=0.9) == []


def test_what_the_driver_lost_is_not_laid_to_the_camera() -> None:
    assert told(30, 30, 60, lost_share=0.8) == []
    assert told(30, 10, 60, lost_share=0.8) == [pytest.approx(10, rel=0.05)]


def test_nothing_is_told_where_no_rate_was_agreed_on_or_numbers_and_times_jump() -> None:
    assert told(0, 5, 60) == []
    jumping, going_back = RateWatch(30), RateWatch(30)
    for second in range(100):
        assert jumping.take(second * 10**9, missing=-1) is None
        assert going_back.take((100 - second) * 10**9, missing=0) is None


def test_a_pause_is_no_lower_rate() -> None:
    watch, now_ns = RateWatch(30), 0
    for number in range(3000):
        now_ns += 4_000_000_000 if number % 600 == 599 else 33_333_333
        assert watch.take(now_ns, missing=0) is None
