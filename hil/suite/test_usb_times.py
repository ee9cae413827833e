# SPDX-License-Identifier: Apache-2.0
"""Times of capture of a USB camera where uvcvideo is told to take them from another clock than usual."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from hil.figures.measurement import Measurement
from hil.fleet.camera_page import SentPictures
from hil.report.recorder import RecordedTest
from hil.streamer.ledger import read_ledger
from hil.suite.streaming import WATCHDOG_S, python, streaming, take, take_rest
from hil.usb.books import Picture
from hil.usb.camera_process import UsbCamera
from vshm_ctypes import Consumer, Flag, Frame

pytestmark = [pytest.mark.usb, pytest.mark.long]
PARAMETERS = Path("/sys/module/uvcvideo/parameters")
SLOTS = 120
STREAM = f"320x180@15,codec=jpeg,slots={SLOTS}"
BY_DRIVER = 60  # frames that are waited for
WALL_CLOCK = "CLOCK_REALTIME"
COUNTERS = ("converted_times", "own_times", "time_jumps")
EARLY_NS = 5_000_000  # two clocks are read one after the other, and a picture is sent when it is due or later
MOST_FRAMES = 3000


@contextmanager
def parameter(name: str, value: str) -> Iterator[None]:
    """Set a parameter of uvcvideo during the block."""
    path = PARAMETERS / name
    before = path.read_text().strip()
    path.write_text(value)
    try:
        yield
    finally:
        path.write_text(before)


def is_by_driver(frame: Frame) -> bool:
    """Return whether a frame's time of capture is the driver's."""
    return bool(frame.flags & Flag.CAPTURE_DRIVER)


class Shown(NamedTuple):
    """What vshm show said. slots: the numbers of the frames in the ring."""

    capture_time: str
    slots: set[int]

    @property
    def by_driver(self) -> int:
        """How many frames the driver has dated, as it said."""
        some = re.match(r"driver for (\d+) of", self.capture_time)
        return int(some[1]) if some else len(self.slots) if self.capture_time == "driver" else 0

    def fits(self, frames: Sequence[Frame]) -> bool:
        """Return whether what it said of the frames in the ring is what a reader got with them, or may have missed."""
        seen = [is_by_driver(frame) for frame in frames if frame.number in self.slots]
        assert seen, "a reader got none of the frames that vshm show told of"
        return sum(seen) <= self.by_driver <= sum(seen) + len(self.slots) - len(seen)


def show(ring: str, reader: Consumer) -> tuple[Shown, list[Frame]]:
    """Ask vshm show about a ring, and return the frames that a reader got meanwhile, too."""
    frames: list[Frame] = []
    with python(ring, "vshm_ctypes.cli.main", ["show", ring, "--json", "--seconds", "0.5"]) as child:
        while child.code is None:
            frames += take(reader, 1)
        assert child.wait(WATCHDOG_S) == 0, child.complaints
        said = json.loads(child.output)
    return Shown(said["capture_time"], {slot["number"] for slot in said["slots"]}), frames


def before_the_camera(frames: Sequence[Frame], ledger: Path, pictures: Sequence[Picture]) -> int:
    """Return how many frames are dated before their pictures were due in the camera."""
    sent = SentPictures(pictures)
    place = {one.number: sent.find(one.v4l2_sequence, one.entry_ns) for one in read_ledger(ledger)}
    found = [(frame, place[frame.number]) for frame in frames]
    assert all(at is not None for _, at in found), "a frame that the camera has not sent"
    due_ns = [(frame, sent.streams[at[0]][at[1]].due_ns) for frame, at in found if at is not None]
    return sum(frame.capture_ns < at_ns - EARLY_NS for frame, at_ns in due_ns)


class Dated(NamedTuple):
    """What a reader got while uvcvideo took times from that clock. early: frames dated before the camera had them."""

    frames: list[Frame]
    shown: Shown
    early: int
    camera: dict[str, int]
    log: str

    def measure(self, record: RecordedTest) -> int:
        """Record what holds of any clock, and return how many frames the driver has dated."""
        steps_ns = [after.capture_ns - before.capture_ns for before, after in itertools.pairwise(self.frames)]
        least_age_ns = min(frame.publish_ns - frame.capture_ns for frame in self.frames)
        by_driver = sum(map(is_by_driver, self.frames))
        record.measure(
            Measurement("times that go backwards", "frames", sum(step < 0 for step in steps_ns), exactly=0),
            Measurement("least age of a frame", "s", least_age_ns / 1e9, at_least=0),
            Measurement("frames", "frames", len(self.frames)),
            Measurement("frames that the driver dated", "frames", by_driver),
            *(Measurement(f"{key} of camera-streamer", "times", self.camera[key]) for key in COUNTERS),
        )
        return by_driver


def dated(ring: str, ledger: Path, name: str, value: str, is_enough: Callable[[list[Frame]], bool]) -> Dated:
    """Stream while a parameter of uvcvideo has that value, until a reader has got enough."""
    with parameter(name, value), UsbCamera("mjpeg", serial="own") as usb:
        words = ("--device", str(usb.path), "--channel", f"{ring}:{STREAM}", "--ledger", str(ledger))
        with streaming(ring, *words) as streamer, Consumer(ring) as reader:
            frames = take(reader, SLOTS)
            while not is_enough(frames) and len(frames) < MOST_FRAMES:
                frames += take(reader, 1)
            shown, more = show(ring, reader)
            frames += more + take(reader, 1)
            streamer.end()
            frames += take_rest(reader)
        early = before_the_camera(frames, ledger, usb.books().pictures)
    return Dated(frames, shown, early, streamer.camera, streamer.log)


def test_a_wall_clock_of_uvcvideo_is_converted(ring: str, record: RecordedTest, tmp_path: Path) -> None:
    """Where uvcvideo dates pictures by the wall clock, no picture is dated before the camera had it or after it was in
    the ring, no time goes backwards, and vshm show says that they are the driver's.

    Would catch: a wall clock that is taken for CLOCK_MONOTONIC, or for useless; frames of 1970, or of the future.
    """
    result = dated(
        ring, tmp_path / "ledger", "clock", WALL_CLOCK, lambda frames: sum(map(is_by_driver, frames)) >= BY_DRIVER
    )
    by_driver = result.measure(record)
    record.measure(
        Measurement("frames that are dated before the camera had them", "frames", result.early, exactly=0),
        Measurement("frames that the wall clock dated", "frames", by_driver, at_least=BY_DRIVER),
    )
    assert result.shown.fits(result.frames), result.shown
    assert result.camera["converted_times"] >= by_driver and f"are of {WALL_CLOCK}" in result.log


def test_times_of_hardware_that_mean_nothing_are_given_up(ring: str, record: RecordedTest, tmp_path: Path) -> None:
    """Where uvcvideo takes times from the camera, on a bus that counts no frames, so that they lie beside the truth and
    jump, pictures are dated when they are dequeued from the first jump on. No time goes backwards or lies in the
    future, and the log and vshm show say where they come from.

    Would catch: times that pass for those of the capture, and jump by as much as some pictures.
    """
    result = dated(ring, tmp_path / "ledger", "hwtimestamps", "1", lambda frames: not is_by_driver(frames[-1]))
    by_driver = result.measure(record)
    record.measure(
        Measurement("frames that are dated before the camera had them", "frames", result.early, at_most=by_driver),
        Measurement("frames that were dated when dequeued", "frames", len(result.frames) - by_driver, at_least=1),
    )
    assert result.shown.fits(result.frames), result.shown
    assert result.camera["time_jumps"] > 0 and "the driver's timestamps are of no use" in result.log
