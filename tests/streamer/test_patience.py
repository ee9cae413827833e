# SPDX-License-Identifier: Apache-2.0
"""A source's silence is judged by its own interval, and no slow source is taken for one that stalls."""

import math

import pytest
from own_clock import Clock
from scripted_source import Scripted, clock_of_healing, good

from hil.streamer.sources.healing import HealingSource
from hil.streamer.sources.patience import FIRST_PICTURE_S, INTERVALS, LEARNED_FROM, REMEMBERED_S, STALLED_S
from hil.streamer.sources.source import Captured, SourceError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return clock_of_healing(monkeypatch)


class Slow(Scripted):
    """Has a picture each interval, the first one after some time; each time it is opened from the begin."""

    def __init__(self, clock: Clock, told_fps: float, first_s: float, interval_s: float) -> None:
        super().__init__([])
        self._clock, self._first_s, self._interval_s = clock, first_s, interval_s
        self.fps = told_fps
        self.is_gone = False

    def open(self) -> None:
        super().open()
        self._due_s = self._clock() + self._first_s

    def read(self, timeout_s: float) -> Captured | None:
        if self.is_gone:
            self.is_gone = False
            raise SourceError(0, "it was unplugged", "unplugged")
        if self._due_s > self._clock() + timeout_s:
            self._clock.sleep(timeout_s)
            return None
        self._clock.now_s = max(self._due_s, self._clock())
        self._due_s += self._interval_s
        return good()


def pictures_of(source: HealingSource, clock: Clock, seconds: float) -> int:
    end_s, found = clock() + seconds, 0
    while clock() < end_s:
        found += source.read(0.1) is not None
    return found


@pytest.mark.parametrize(
    ("told_fps", "first_s", "interval_s"),
    [(0.25, 4.0, 4.0), (30, 2.5, 0.04), (30, 9.5, 0.04), (30, 2.5, 2.5), (30, 0.0, 2.5), (0, 5.0, 9.0), (1000, 8, 1.9)],
)
def test_a_slow_source_is_no_stall(clock: Clock, told_fps: float, first_s: float, interval_s: float) -> None:
    slow = Slow(clock, told_fps, first_s, interval_s)
    source = HealingSource(slow, clock)
    source.open()
    expected = (100 - first_s) / interval_s
    assert pictures_of(source, clock, 100) == pytest.approx(expected, abs=1.5)
    assert not source.incidents
    assert slow.opened == 1


def test_patience_grows_until_a_source_much_slower_than_it_tells_is_known(clock: Clock) -> None:
    slow = Slow(clock, told_fps=30, first_s=1.0, interval_s=35.0)
    source = HealingSource(slow, clock)
    source.open()
    pictures_of(source, clock, 300)
    incidents = dict(source.incidents)
    assert pictures_of(source, clock, 350) == 10
    assert source.incidents == incidents  # once it is known, it is opened no more


def test_a_stall_is_judged_by_the_intervals_that_were_seen(clock: Clock) -> None:
    slow = Slow(clock, told_fps=0.25, first_s=0.0, interval_s=0.04)
    source = HealingSource(slow, clock)
    source.open()
    assert pictures_of(source, clock, 2) > LEARNED_FROM
    slow._due_s = clock() + 1000
    pictures_of(source, clock, STALLED_S + 0.5)
    assert source.incidents == {"stalled": 1}


def test_a_source_that_never_begins_is_opened_again_in_the_end(clock: Clock) -> None:
    slow = Slow(clock, told_fps=25, first_s=1000.0, interval_s=1.0)
    source = HealingSource(slow, clock)
    source.open()
    pictures_of(source, clock, FIRST_PICTURE_S - 0.5)
    assert not source.incidents
    pictures_of(source, clock, 2)
    assert source.incidents == {"stalled": 1}


def test_a_camera_that_slows_down_in_the_dark_is_learned_anew(clock: Clock) -> None:
    slow = Slow(clock, told_fps=25, first_s=0.0, interval_s=0.04)
    source = HealingSource(slow, clock)
    source.open()
    pictures_of(source, clock, 5)
    slow._interval_s = slow._first_s = INTERVALS
    pictures_of(source, clock, 60)
    opened = slow.opened
    assert pictures_of(source, clock, 100) == 100 / INTERVALS
    assert slow.opened == opened


class Pausing(Scripted):
    """Gives pictures for some time, then pauses or hangs, again and again.

    pause_s: how long it pauses, or infinity if it hangs until it is opened again.
    """

    def __init__(self, clock: Clock, every_s: float, pause_s: float, interval_s: float = 0.04) -> None:
        super().__init__([])
        self._clock, self._every_s, self._pause_s, self._interval_s = clock, every_s, pause_s, interval_s
        self._until_s = 0.0
        self.silent_s = 0.0  # in all

    def open(self) -> None:
        super().open()
        if self._clock() >= self._until_s or self._pause_s == math.inf:
            self._begin_s = self._clock()

    def read(self, timeout_s: float) -> Captured | None:
        now_s = self._clock()
        if now_s - self._begin_s >= self._every_s:
            self._until_s = self._begin_s + self._every_s + self._pause_s
            if now_s < self._until_s:
                self._clock.sleep(timeout_s)
                self.silent_s += timeout_s
                return None
            self._begin_s = now_s
        self._clock.sleep(self._interval_s)
        return good()


@pytest.mark.parametrize(("every_s", "pause_s"), [(10, 3), (60, 2.5), (180, 5), (600, 7), (1000, 3.5)])
def test_a_camera_that_pauses_regularly_is_soon_left_alone(clock: Clock, every_s: float, pause_s: float) -> None:
    pausing = Pausing(clock, every_s, pause_s)
    source = HealingSource(pausing, clock)
    source.open()
    pictures_of(source, clock, 4 * (every_s + pause_s))
    opened = pausing.opened
    assert opened <= 3
    pictures_of(source, clock, 20 * (every_s + pause_s))
    assert pausing.opened == opened


def test_a_camera_that_hangs_regularly_is_opened_again_as_soon_as_ever(clock: Clock) -> None:
    """To wait longer was tried twice, and did not help."""
    pausing = Pausing(clock, every_s=300, pause_s=math.inf)
    source = HealingSource(pausing, clock)
    source.open()
    pictures_of(source, clock, 4 * 310)
    silent_s, stalls = pausing.silent_s, source.incidents["stalled"]
    pictures_of(source, clock, 20 * 303)
    again = source.incidents["stalled"] - stalls
    assert again >= 19
    assert pausing.silent_s - silent_s == pytest.approx(STALLED_S * again, abs=0.2 * again)


def test_pauses_are_forgotten_with_time(clock: Clock) -> None:
    pausing = Pausing(clock, every_s=60, pause_s=6)
    source = HealingSource(pausing, clock)
    source.open()
    pictures_of(source, clock, 600)
    pausing._every_s = math.inf
    pictures_of(source, clock, REMEMBERED_S + 60)
    stalls, silent_s = source.incidents["stalled"], pausing.silent_s
    pausing._every_s, pausing._pause_s = 1.0, math.inf
    while source.incidents["stalled"] == stalls:
        source.read(0.1)
    assert pausing.silent_s - silent_s == pytest.approx(STALLED_S, abs=0.2)


def test_a_first_picture_that_takes_long_is_waited_for_the_next_time(clock: Clock) -> None:
    slow = Slow(clock, told_fps=30, first_s=15.0, interval_s=1.0)
    source = HealingSource(slow, clock)
    source.open()
    pictures_of(source, clock, REMEMBERED_S + 60)
    assert slow.opened == 2
    slow.is_gone = True  # and is plugged in again at once
    pictures_of(source, clock, 60)
    assert slow.opened == 3
    assert source.incidents == {"stalled": 1, "unplugged": 1}


def test_the_time_for_which_the_process_was_stopped_is_no_interval_of_the_camera(clock: Clock) -> None:
    slow = Slow(clock, told_fps=25, first_s=0.0, interval_s=0.04)
    source = HealingSource(slow, clock)
    source.open()
    pictures_of(source, clock, 5)
    clock.sleep(3600)
    slow._due_s = clock()  # the driver's buffers were full all the time
    pictures_of(source, clock, 0.1)
    slow._due_s = math.inf
    pictures_of(source, clock, INTERVALS * 1.1 + 0.5)
    assert source.incidents == {"stalled": 1}


@pytest.mark.parametrize("told_fps", [0.0, -1.0, 1e12, math.inf, math.nan])
def test_a_rate_that_makes_no_sense_is_none(clock: Clock, told_fps: float) -> None:
    slow = Slow(clock, told_fps, first_s=2.5, interval_s=0.4)
    source = HealingSource(slow, clock)
    source.open()
    pictures_of(source, clock, 100)
    assert not source.incidents
    slow._due_s = math.inf
    pictures_of(source, clock, 3.0)
    assert source.incidents == {"stalled": 1}


def test_light_that_comes_and_goes_makes_a_camera_slow_and_fast_and_no_stall_each_time(clock: Clock) -> None:
    slow = Slow(clock, told_fps=30, first_s=0.0, interval_s=0.04)
    source = HealingSource(slow, clock)
    source.open()
    for _ in range(10):
        slow._interval_s = 0.04
        pictures_of(source, clock, 20)
        slow._interval_s = 2.5
        pictures_of(source, clock, 20)
    assert slow.opened <= 2
