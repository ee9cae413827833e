# SPDX-License-Identifier: Apache-2.0
"""When pictures were captured: a driver's timestamps, judged as a series; with no device and no waiting."""

import itertools
import logging
from collections.abc import Callable

import pytest

from hil.streamer.sources import capture_time
from hil.streamer.sources.capture_time import FEW, MAX_AHEAD_NS, CaptureClock, CaptureTime

MONOTONIC, UNKNOWN, COPIED, ERROR = 0x2000, 0x0000, 0x4000, 0x40
MS = 1_000_000
SECOND = 1000 * MS
INTERVAL = 33 * MS
LATENCY = 40 * MS
HOUR = 3600 * SECOND
BEGIN = 5000 * SECOND  # on CLOCK_MONOTONIC


class Camera:
    """Captures a picture each INTERVAL, which is dequeued LATENCY later. The test sets its clock and this machine's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_ns = BEGIN
        self.offsets = dict.fromkeys(capture_time.CLOCKS, 0)
        numbers = {number: name for name, number in capture_time.CLOCKS.items()}
        monkeypatch.setattr("time.monotonic_ns", lambda: self.now_ns)
        monkeypatch.setattr("time.clock_gettime_ns", lambda number: self.now_ns + self.offsets[numbers[number]])
        monkeypatch.setattr(capture_time, "realtime_offset_ns", lambda realtime_ns: realtime_ns() - self.now_ns)
        self.clock = CaptureClock()
        self.clock.begin("a camera")
        self.captured_ns: list[int] = []
        self.found: list[CaptureTime] = []

    def takes(
        self,
        count: int,
        stamp: Callable[[int], int] = lambda true_ns: true_ns,
        flags: int = MONOTONIC,
        latency: int = LATENCY,
        interval: int = INTERVAL,
    ) -> list[CaptureTime]:
        """Take so many pictures, and return when they were captured by the clock that is tested."""
        found = []
        for _ in range(count):
            self.now_ns += interval
            true_ns = self.now_ns - latency
            self.captured_ns.append(true_ns)
            when = self.clock.date(flags, stamp(true_ns), self.now_ns)
            found.append(when if flags & ERROR else self.clock.onwards(when))
            assert found[-1].capture_ns <= self.now_ns
        self.found += [] if flags & ERROR else found
        times = [each.capture_ns for each in self.found]
        assert all(one <= other for one, other in itertools.pairwise(times)), "a time went backwards"
        return found

    @property
    def changes(self) -> int:
        """How often the kind of the times changed."""
        return sum(one.from_driver != other.from_driver for one, other in itertools.pairwise(self.found))


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Camera:
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    return Camera(monkeypatch)


def by_driver(found: list[CaptureTime]) -> set[bool]:
    return {each.from_driver for each in found}


def is_exact(camera: Camera, found: list[CaptureTime]) -> bool:
    return [each.capture_ns for each in found] == camera.captured_ns[-len(found) :]


def test_a_clock_that_is_monotonic_dates_every_picture(camera: Camera, caplog: pytest.LogCaptureFixture) -> None:
    found = camera.takes(100)
    assert is_exact(camera, found) and by_driver(found) == {True}
    assert (camera.clock.own_times, camera.clock.converted_times, camera.clock.time_jumps) == (0, 0, 0)
    assert caplog.text == ""


@pytest.mark.parametrize("name", [name for name in capture_time.CLOCKS if name != "CLOCK_MONOTONIC"])
def test_another_clock_of_the_system_is_recognised_and_converted(
    camera: Camera, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    camera.offsets[name] = 99 * HOUR
    found = camera.takes(100, lambda true_ns: true_ns + 99 * HOUR)
    assert is_exact(camera, found) and by_driver(found) == {True}
    assert (camera.clock.own_times, camera.clock.converted_times) == (0, 100)
    assert caplog.text.count(f"a camera: the driver's timestamps are of {name}") == 1


@pytest.mark.parametrize("step", [HOUR, -HOUR, SECOND // 2, -SECOND // 2])
def test_a_step_of_the_wall_clock_moves_no_picture(camera: Camera, step: int) -> None:
    """The picture that is under way then has a timestamp of before the step."""
    offset = camera.offsets["CLOCK_REALTIME"] = 99 * HOUR
    camera.takes(100, lambda true_ns: true_ns + offset)
    camera.offsets["CLOCK_REALTIME"] += step
    (under_way,) = camera.takes(1, lambda true_ns: true_ns + offset)
    assert under_way == (camera.now_ns, False)
    camera.takes(FEW * 4, lambda true_ns: true_ns + offset + step)
    assert camera.changes == 2
    assert camera.clock.time_jumps == 1
    found = camera.takes(10, lambda true_ns: true_ns + offset + step)
    assert is_exact(camera, found) and by_driver(found) == {True}


@pytest.mark.parametrize(
    ("stamp", "flags"),
    [
        (lambda _: 0, MONOTONIC),
        (lambda true_ns: true_ns, UNKNOWN),
        (lambda true_ns: true_ns, COPIED),
        (lambda true_ns: true_ns - 10 * SECOND, MONOTONIC),
        (lambda true_ns: true_ns + SECOND, MONOTONIC),
        (lambda true_ns: true_ns + 777 * HOUR, MONOTONIC),
        (lambda true_ns: 1 << 62, MONOTONIC),
        (lambda true_ns: true_ns * 3, MONOTONIC),
    ],
)
def test_timestamps_of_no_use_are_replaced_from_the_first_one_on(
    camera: Camera, caplog: pytest.LogCaptureFixture, stamp: Callable[[int], int], flags: int
) -> None:
    found = camera.takes(200, stamp, flags)
    assert by_driver(found) == {False}
    assert [each.capture_ns for each in found] == [true_ns + LATENCY for true_ns in camera.captured_ns]
    assert camera.clock.own_times == 200
    assert caplog.text.count("pictures are dated when dequeued") == 1


@pytest.mark.parametrize("ahead", [1, 15 * MS, MAX_AHEAD_NS])
def test_timestamps_a_little_ahead_keep_their_intervals(camera: Camera, ahead: int) -> None:
    """vivid's first timestamps show by how much they are ahead, and no picture is from the future."""
    late = [0, 7 * MS, 3 * MS] * 20
    stamps = iter(late)
    found = camera.takes(60, lambda true_ns: true_ns + LATENCY + ahead - next(stamps))
    assert by_driver(found) == {True}
    wanted = [true_ns + LATENCY - each for true_ns, each in zip(camera.captured_ns, late, strict=True)]
    assert [each.capture_ns for each in found] == wanted


def test_a_busy_machine_that_dequeues_late_does_not_move_timestamps_that_are_ahead(camera: Camera) -> None:
    camera.takes(10, lambda true_ns: true_ns + LATENCY + 20 * MS)
    nominal = camera.now_ns + INTERVAL
    camera.now_ns += 60 * MS  # held up
    (late,) = camera.takes(1, lambda _: nominal + 20 * MS)
    assert late == (nominal, True)


def test_a_clock_that_goes_wrong_is_left_once_and_not_picture_by_picture(
    camera: Camera, caplog: pytest.LogCaptureFixture
) -> None:
    """hwtimestamps=1 of uvcvideo: every other timestamp is of the past, or of the future."""
    camera.takes(50)
    wrong = itertools.cycle([0, -3 * SECOND, 0, 9 * SECOND, -80 * MS])
    camera.takes(2000, lambda true_ns: true_ns + next(wrong))
    assert camera.changes <= 3  # one timestamp is excused
    assert camera.clock.time_jumps == 2
    assert caplog.text.count("\n") == 1


def test_one_odd_timestamp_costs_few_pictures_and_ever_more_of_them_cost_more(camera: Camera) -> None:
    for _ in range(20):
        camera.takes(100)
        camera.takes(1, lambda true_ns: true_ns - 60 * SECOND)
    assert camera.clock.time_jumps < 5
    assert camera.changes < 10
    assert camera.found[99].from_driver and not camera.found[-1].from_driver


def test_one_odd_timestamp_spoils_no_other(camera: Camera) -> None:
    camera.takes(10)
    camera.takes(1, lambda true_ns: true_ns + LATENCY)  # still possible
    found = camera.takes(FEW * 4, latency=LATENCY)
    assert by_driver(found[1:]) == {True} and is_exact(camera, found[2:])
    assert found[0].capture_ns <= camera.captured_ns[-len(found)] + LATENCY
    assert (camera.clock.time_jumps, camera.clock.own_times) == (1, 0)


def test_timestamps_that_went_backwards_are_not_believed(camera: Camera) -> None:
    camera.takes(10)
    (odd,) = camera.takes(1, lambda true_ns: true_ns - 2 * INTERVAL)
    assert odd == (camera.now_ns, False)


def test_a_timestamp_that_stands_still_is_found_out(camera: Camera) -> None:
    stuck = camera.now_ns
    found = camera.takes(100, lambda _: stuck)
    assert [each.from_driver for each in found[20:]] == [False] * 80


def test_the_buffers_of_one_picture_may_share_its_timestamp(camera: Camera) -> None:
    for _ in range(30):
        true_ns = camera.now_ns
        camera.takes(4, lambda _, true_ns=true_ns: true_ns, interval=8 * MS)  # type: ignore[misc]
    assert camera.clock.time_jumps == camera.clock.own_times == 0


@pytest.mark.parametrize("rate", [1e-3, -1e-3])
def test_a_clock_that_drifts_is_followed_only_until_it_is_known_to_be_none_of_the_systems(
    camera: Camera, rate: float
) -> None:
    found = camera.takes(100_000, lambda true_ns: true_ns + round((true_ns - BEGIN) * rate))
    assert camera.changes <= 3
    errors = [abs(each.capture_ns - true_ns) for each, true_ns in zip(found, camera.captured_ns, strict=True)]
    assert max(errors) <= 0.6 * SECOND
    assert not found[-1].from_driver


def test_pictures_that_waited_while_the_process_was_stopped_keep_their_times(camera: Camera) -> None:
    camera.takes(10)
    captured = [camera.now_ns + number * INTERVAL for number in range(32)]
    camera.now_ns += 60 * SECOND
    found = [camera.clock.date(MONOTONIC, true_ns, camera.now_ns + number) for number, true_ns in enumerate(captured)]
    assert found == [(true_ns, True) for true_ns in captured]
    camera.takes(10)
    assert camera.clock.own_times == 0


def test_pictures_that_wait_in_all_buffers_all_the_time_are_dated_by_the_driver(camera: Camera) -> None:
    """As on a board that is too slow for its camera."""
    camera.takes(100)
    camera.now_ns += 7 * INTERVAL
    found = camera.takes(1000, latency=LATENCY + 7 * INTERVAL)
    assert by_driver(found) == {True} and is_exact(camera, found)


def test_a_camera_that_slows_down_in_the_dark_keeps_its_clock(camera: Camera) -> None:
    camera.takes(100)
    camera.now_ns += SECOND
    found = [*camera.takes(100, interval=SECOND, latency=SECOND + LATENCY), *camera.takes(100)]
    assert by_driver(found) == {True} and is_exact(camera, found)


def test_a_clock_that_has_drifted_away_is_not_believed_again(camera: Camera) -> None:
    camera.takes(100)
    camera.takes(200, lambda true_ns: true_ns - SECOND)
    camera.takes(FEW * 10, lambda true_ns: true_ns - SECOND)
    assert not camera.found[-1].from_driver
    assert camera.changes <= 3


@pytest.mark.parametrize("interval", [2500 * MS, 10 * SECOND])
def test_a_slow_cameras_pictures_may_be_as_old_as_they_are_apart(camera: Camera, interval: int) -> None:
    found = camera.takes(20, interval=interval, latency=interval)
    assert is_exact(camera, found) and by_driver(found) == {True}


def test_the_first_picture_may_have_taken_long(camera: Camera) -> None:
    found = camera.takes(1, interval=5 * SECOND, latency=4 * SECOND)
    assert is_exact(camera, found)


def test_a_cancelled_buffer_without_a_timestamp_says_nothing_about_the_others(camera: Camera) -> None:
    camera.takes(10)
    (cancelled,) = camera.takes(1, lambda _: 0, MONOTONIC | ERROR)
    assert cancelled == (camera.now_ns, False)
    found = camera.takes(10)
    assert by_driver(found) == {True} and is_exact(camera, found)
    assert camera.clock.time_jumps == 0
    assert is_exact(camera, camera.takes(1, flags=MONOTONIC | ERROR))


def test_a_stream_that_begins_anew_is_judged_anew_and_goes_on_forwards(camera: Camera) -> None:
    camera.takes(50, lambda _: 0)
    camera.clock.begin("a camera")
    found = camera.takes(50)
    assert by_driver(found[1:]) == {True}
    assert is_exact(camera, found[1:])


def test_a_camera_whose_timestamps_become_right_is_believed_after_a_while(
    camera: Camera, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    camera.takes(5, lambda _: 0)
    found = camera.takes(FEW + 10)
    assert [each.from_driver for each in found].index(True) in (FEW - 1, FEW)
    assert caplog.text.count("a camera: pictures are dated by the driver") == 1
    assert is_exact(camera, found[FEW + 1 :])
