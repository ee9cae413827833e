# SPDX-License-Identifier: Apache-2.0
"""Sources that fail: counted, logged once, opened again, and a discontinuity afterwards."""

import itertools
import logging
from typing import Any

import pytest

from hil.streamer.sources.healing import BAD_IN_A_ROW, SETTLED_S, HealingSource
from hil.streamer.sources.patience import FIRST_PICTURE_S, INTERVALS, LEARNED_FROM, STALLED_S
from hil.streamer.sources.source import Captured, SourceError
from vshm_ctypes import Codec

FRAMES = 40


class Scripted:
    """Does what it is told: a Captured, None, or an exception, one for each read; and for each open."""

    name, fps, live = "scripted", 25.0, True
    codec: Codec | None = None

    def __init__(self, reads: list[Any], opens: list[Any] | None = None) -> None:
        self.reads, self.opens = iter(reads), iter(opens or itertools.repeat(None))
        self.width, self.height = 64, 48
        self.opened = self.closed = self.keyframes_wanted = 0

    def open(self) -> None:
        self.opened += 1
        answer = next(self.opens, None)
        if answer is not None:
            raise answer

    def read(self, timeout_s: float) -> Captured | None:
        answer = next(self.reads)
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]

    def want_keyframe(self) -> None:
        self.keyframes_wanted += 1

    def figures(self) -> dict[str, int]:
        return {"lost": 3}

    def close(self) -> None:
        self.closed += 1


class Clock:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    ours = Clock()
    monkeypatch.setattr("hil.streamer.sources.healing.time.sleep", ours.sleep)
    return ours


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)


def good() -> Captured:
    return Captured(1)


def test_a_source_that_fails_is_opened_again_and_the_next_picture_says_so(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    scripted = Scripted([good(), SourceError(0, "unplugged"), good(), good()])
    source = HealingSource(scripted, clock)
    source.open()
    clock.sleep(SETTLED_S)  # it has run for a while
    found = [source.read(0.1) for _ in range(5)]
    assert [captured and captured.discontinuity for captured in found] == [False, None, None, True, False]
    assert (scripted.opened, scripted.closed) == (2, 1)
    assert source.incidents == {"failed": 1}
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "scripted: unplugged; it is opened again"
    ]


def test_it_backs_off_while_the_source_is_not_there(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    gone = [SourceError(0, "no such device")] * 6
    scripted = Scripted([SourceError(0, "unplugged"), good()], [None, *gone, None])
    source = HealingSource(scripted, clock)
    source.open()
    clock.sleep(SETTLED_S)
    begin_s = clock()
    reads = 0
    while (captured := source.read(0.1)) is None:
        reads += 1
        assert reads < 1000
    assert captured.discontinuity
    assert scripted.opened == 8
    assert clock() - begin_s == pytest.approx(0.5 + 1 + 2 + 4 + 8 + 8, abs=0.5)
    assert sum("not to be opened yet" in record.getMessage() for record in caplog.records) == 1


def test_a_source_that_stalls_is_opened_again(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    scripted = Scripted([good(), good(), None, None, None, good()])
    source = HealingSource(scripted, clock)
    source.open()
    clock.sleep(SETTLED_S)
    for _ in range(2):
        clock.sleep(1 / scripted.fps)
        assert source.read(0.1) is not None
    for _ in range(3):
        clock.sleep(STALLED_S / 3 + 0.01)
        assert source.read(0.1) is None
    assert source.incidents == {"stalled": 1}
    assert "nothing came for 2 s; it is opened again" in caplog.text
    assert source.read(0.1) is None
    captured = source.read(0.1)
    assert captured is not None
    assert captured.discontinuity


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


def test_damaged_buffers_break_the_stream_and_thirty_in_a_row_reopen_it(clock: Clock) -> None:
    bad = [Captured(1, bad=True) for _ in range(BAD_IN_A_ROW + 2)]
    scripted = Scripted([good(), bad[0], bad[1], good(), *bad[2:], good()])
    source = HealingSource(scripted, clock)
    source.open()
    clock.sleep(SETTLED_S)
    found = [source.read(0.1) for _ in range(4)]
    assert [captured and captured.discontinuity for captured in found] == [False, False, False, True]
    assert not source.incidents
    for _ in range(BAD_IN_A_ROW):
        captured = source.read(0.1)
        assert captured is not None
        assert captured.bad
    assert source.incidents == {"bad_buffers": 1}
    assert source.read(0.1) is None
    assert scripted.opened == 2


def test_a_source_that_fails_right_after_it_was_opened_is_not_opened_in_a_tight_loop(clock: Clock) -> None:
    scripted = Scripted([SourceError(0, "crashed")] * 4 + [good()])
    source = HealingSource(scripted, clock)
    source.open()
    begin_s = clock()
    while source.read(0.1) is None:
        pass
    assert clock() - begin_s == pytest.approx(0.5 + 1 + 2 + 4, abs=0.5)
    assert source.incidents == {"failed": 4}


def test_an_encoded_stream_may_come_back_with_another_size_but_not_with_another_codec(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    scripted = Scripted([good(), *[SourceError(0, "gone", "unplugged"), good()] * 2])
    scripted.codec = Codec.H264
    source = HealingSource(scripted, clock)
    source.open()
    clock.sleep(SETTLED_S)
    assert source.read(0.1) is not None
    scripted.width = 128
    assert source.read(0.1) is None
    assert source.read(0.1) is None
    captured = source.read(0.1)
    assert captured is not None
    assert captured.discontinuity
    assert source.width == 128
    scripted.codec = Codec.H265
    for _ in range(20):
        assert source.read(0.1) is None
    assert "it came back with H265, not H264 as before" in caplog.text
    scripted.codec = Codec.H264
    while (captured := source.read(0.1)) is None:
        pass
    assert captured.discontinuity
    assert source.figures() == {"lost": 3, "unplugged": 2}


def test_a_file_is_not_judged_as_a_camera_is(clock: Clock) -> None:
    scripted = Scripted([good(), *[None] * 5, *[Captured(1, bad=True)] * 2 * BAD_IN_A_ROW, good()])
    scripted.live = False
    source = HealingSource(scripted, clock)
    source.open()
    assert source.read(0.1) is not None
    for _ in range(5):
        clock.sleep(FIRST_PICTURE_S)
        assert source.read(0.1) is None
    while (captured := source.read(0.1)) is None or captured.bad:
        pass
    assert captured.discontinuity
    assert not source.incidents
    assert scripted.opened == 1


def test_a_start_that_fails_is_counted_each_time_and_told_once(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    fails = SourceError(0, "it does not start", "streamon")
    scripted = Scripted([good(), SourceError(0, "broken", "fatal"), good()], [None, fails, fails, fails, None])
    source = HealingSource(scripted, clock)
    source.open()
    clock.sleep(SETTLED_S)
    assert source.read(0.1) is not None
    while source.read(0.1) is None:
        pass
    assert source.incidents == {"fatal": 1, "streamon": 3}
    assert sum("it does not start" in record.getMessage() for record in caplog.records) == 1


def test_a_keyframe_is_asked_of_a_source_that_is_there(clock: Clock) -> None:
    scripted = Scripted([SourceError(0, "gone")])
    source = HealingSource(scripted, clock)
    source.want_keyframe()
    assert scripted.keyframes_wanted == 0
    source.open()
    source.want_keyframe()
    assert scripted.keyframes_wanted == 1


def test_the_end_is_no_incident(clock: Clock) -> None:
    source = HealingSource(Scripted([good(), EOFError("over")]), clock)
    source.open()
    source.read(0.1)
    with pytest.raises(EOFError):
        source.read(0.1)
    assert not source.incidents
