# SPDX-License-Identifier: Apache-2.0
"""A source's silence is judged by its own interval, and no slow source is taken for one that stalls."""

import pytest
from own_clock import Clock
from scripted_source import Scripted, clock_of_healing, good

from hil.streamer.sources.healing import HealingSource
from hil.streamer.sources.patience import FIRST_PICTURE_S, INTERVALS, LEARNED_FROM, STALLED_S
from hil.streamer.sources.source import Captured


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return clock_of_healing(monkeypatch)


class Slow(Scripted):
    """Has a picture each interval, the first one after some time; each time it is opened from the begin."""

    def __init__(self, clock: Clock, told_fps: float, first_s: float, interval_s: float) -> None:
        super().__init__([])
        self._clock, self._first_s, self._interval_s = clock, first_s, interval_s
        self.fps = told_fps

    def open(self) -> None:
        super().open()
        self._due_s = self._clock() + self._first_s

    def read(self, timeout_s: float) -> Captured | None:
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
