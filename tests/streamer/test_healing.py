# SPDX-License-Identifier: Apache-2.0
"""Sources that fail: counted, logged once, opened again, and a discontinuity afterwards."""

import logging

import pytest
from own_clock import Clock
from scripted_source import Scripted, clock_of_healing, good

from hil.streamer.sources.healing import BAD_IN_A_ROW, SETTLED_S, HealingSource
from hil.streamer.sources.patience import FIRST_PICTURE_S, STALLED_S
from hil.streamer.sources.source import Captured, SourceError
from vshm_ctypes import Codec


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return clock_of_healing(monkeypatch)


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)


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


def test_what_is_set_up_between_opening_and_reading_is_not_counted_as_silence(clock: Clock) -> None:
    scripted = Scripted([None, good()])
    source = HealingSource(scripted, clock)
    source.open()
    clock.sleep(FIRST_PICTURE_S * 2)
    assert source.read(0.1) is None
    assert source.read(0.1) is not None
    assert (scripted.opened, source.incidents) == (1, {})


def test_a_start_that_fails_is_passed_on_only_where_that_was_asked_for_and_nothing_has_come(clock: Clock) -> None:
    fails = [SourceError(0, "it does not start", "streamon")] * 6
    source = HealingSource(Scripted([*fails[:3], good(), *fails, good()]), clock, starts=4)
    source.open()
    for _ in range(2):
        while source.read(0.1) is None:
            pass
    assert source.incidents == {"streamon": 9}
    source = HealingSource(Scripted(fails), clock, starts=4)
    source.open()
    with pytest.raises(SourceError, match="does not start"):
        while True:
            source.read(0.1)
    assert source.incidents == {"streamon": 4}


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


def test_damaged_pictures_at_the_begin_are_waited_out(clock: Clock) -> None:
    """A camera that is opened again because its first pictures are damaged would begin with damaged ones again."""
    bad = Captured(1, bad=True)
    scripted = Scripted([*[bad] * 3 * BAD_IN_A_ROW, good(), *[bad] * BAD_IN_A_ROW, good()])
    source = HealingSource(scripted, clock)
    source.open()
    for _ in range(3 * BAD_IN_A_ROW):
        assert source.read(0.1) is bad
    assert source.read(0.1) is not None
    assert not source.incidents
    for _ in range(BAD_IN_A_ROW):
        source.read(0.1)
    assert source.incidents == {"bad_buffers": 1}
    never = HealingSource(Scripted([bad] * 100), clock)
    never.open()
    while not never.incidents:
        assert never.read(0.1) is bad
        clock.sleep(FIRST_PICTURE_S / 60)
    assert never.incidents == {"bad_buffers": 1}


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
