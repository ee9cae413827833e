# SPDX-License-Identifier: Apache-2.0
"""A USB camera that gives nothing however often it is opened is reset, and no other one is."""

import errno
import logging
from itertools import pairwise
from pathlib import Path

import pytest
from own_clock import Clock

from hil.streamer.sources import usb_reset
from hil.streamer.sources.source import SourceError
from hil.streamer.sources.usb_reset import CONFUSED_S, HUNG_S, IN_VAIN, MOST_S, Rescue, reset_device

PORT = "/sys/devices/usb1/1-2"


class Bus:
    """Notes what is reset. refuses: the errno with which that fails, or 0."""

    def __init__(self, refuses: int = 0) -> None:
        self.reset: list[str] = []
        self.refuses = refuses

    def __call__(self, port: str) -> None:
        if self.refuses:
            raise OSError(self.refuses, "refused", "/dev/bus/usb/001/007")
        self.reset.append(port)


def openings(rescue: Rescue, clock: Clock, seconds: float, port: str = PORT) -> bool:
    """Open it every second in vain. Returns whether it was reset before so many seconds had passed."""
    until_s = clock() + seconds
    while clock() < until_s:
        try:
            rescue.before_opening(port)
        except SourceError as error:
            assert error.kind == "streamon" and "was reset" in str(error.strerror)
            return True
        clock.sleep(1)
    return False


def test_a_camera_that_gave_nothing_twice_and_for_a_while_is_reset() -> None:
    clock, bus = Clock(), Bus()
    rescue = Rescue(bus, clock)
    assert not openings(rescue, clock, HUNG_S)
    assert openings(rescue, clock, 2)
    assert bus.reset == [PORT] and rescue.resets == 1
    rescue.before_opening(PORT)  # which takes as long as a first picture may
    clock.sleep(100)
    assert not openings(rescue, clock, IN_VAIN - 1)


def test_each_reset_in_vain_doubles_the_time_to_the_next() -> None:
    clock, bus = Clock(), Bus()
    rescue = Rescue(bus, clock)
    times_s = []
    for _ in range(9):
        begin_s = clock()
        assert openings(rescue, clock, 2 * MOST_S)
        times_s.append(clock() - begin_s)
    assert [round(after / before) for before, after in pairwise(times_s[:4])] == [2, 2, 2]
    assert max(times_s) <= MOST_S + 2
    rescue.streams()
    assert openings(rescue, clock, HUNG_S + 2)


def test_one_that_gives_pictures_now_and_then_has_not_hung() -> None:
    clock, bus = Clock(), Bus()
    rescue = Rescue(bus, clock)
    for _ in range(50):
        assert not openings(rescue, clock, HUNG_S)
        rescue.streams()


def refusals(rescue: Rescue, clock: Clock, seconds: float, number: int = errno.EIO, after_s: float = 0.1) -> bool:
    """Open it every few seconds, which fails after some time. Returns whether it was reset within so many seconds."""
    until_s = clock() + seconds
    while clock() < until_s:
        try:
            rescue.before_opening(PORT)
        except SourceError:
            return True
        clock.sleep(after_s)
        rescue.failed(number)
        clock.sleep(4)
    return False


@pytest.mark.parametrize(
    ("number", "after_s"), [(errno.EBUSY, 0.1), (errno.ENOSPC, 0.1), (errno.EACCES, 0.1), (errno.EIO, 5.0)]
)
def test_one_that_others_use_or_that_does_not_answer_is_left_alone(number: int, after_s: float) -> None:
    """By a reset, one without an answer would lose its driver, which does not come back by itself."""
    clock, bus = Clock(), Bus()
    assert not refusals(Rescue(bus, clock), clock, 2 * MOST_S, number, after_s)
    assert bus.reset == []


@pytest.mark.parametrize("number", [errno.EIO, errno.EPROTO])
def test_one_that_fails_at_once_for_a_minute_is_reset(number: int) -> None:
    """As some do after a disturbance of the bus, or a start of the board, until their plug is pulled."""
    clock, bus = Clock(), Bus()
    rescue = Rescue(bus, clock)
    assert not refusals(rescue, clock, CONFUSED_S, number)
    assert refusals(rescue, clock, 5, number)
    assert not refusals(rescue, clock, 2 * CONFUSED_S, number)
    assert refusals(rescue, clock, 5, number)
    assert bus.reset == [PORT, PORT] and rescue.resets == 2
    for _ in range(50):
        assert not refusals(rescue, clock, CONFUSED_S, number)
        rescue.streams()


def test_what_failed_for_another_reason_meanwhile_is_no_series() -> None:
    clock, bus = Clock(), Bus()
    rescue = Rescue(bus, clock)
    for _ in range(20):
        assert not refusals(rescue, clock, CONFUSED_S - 10)
        assert not refusals(rescue, clock, 1, errno.EBUSY)
    assert not refusals(rescue, clock, CONFUSED_S - 10)
    assert not openings(rescue, clock, HUNG_S)


def test_what_is_on_no_usb_and_each_of_several_cameras_is_judged_by_itself() -> None:
    clock, bus = Clock(), Bus()
    rescue = Rescue(bus, clock)
    for number in range(60):
        rescue.before_opening(f"{PORT}.{number % 2}")
        clock.sleep(1)
    assert not openings(rescue, clock, 100, port="")
    assert bus.reset == []


def test_where_it_must_not_be_reset_that_is_said_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    clock = Clock()
    assert not openings(Rescue(Bus(errno.EACCES), clock), clock, 10 * HUNG_S)
    assert caplog.text.count("unless this program may write to /dev/bus/usb/001/007") == 1


def test_the_node_of_the_device_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="no USB device"):
        reset_device(str(tmp_path))
    for name, value in (("busnum", "3\n"), ("devnum", "14\n")):
        (tmp_path / name).write_text(value)
    monkeypatch.setattr(usb_reset, "_NODES", tmp_path)
    with pytest.raises(FileNotFoundError, match="003/014"):
        reset_device(str(tmp_path))
    (tmp_path / "003").mkdir()
    (tmp_path / "003/014").touch()
    with pytest.raises(OSError, match="003/014") as refused:  # a file knows no such request
        reset_device(str(tmp_path))
    assert refused.value.errno == errno.ENOTTY
