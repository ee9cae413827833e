# SPDX-License-Identifier: Apache-2.0
"""Where a bus has no room for raw pictures, JPEG is taken: it refuses them, cuts them off, or lets none come."""

import errno
import logging
import time
from pathlib import Path

import pytest
from camera_streams import SIZE, jpegs, plug
from fake_v4l2 import ERROR, MONOTONIC, FakeCamera, Sent
from own_clock import Clock
from scripted_source import clock_of_healing

from hil.streamer.sources import bus_room
from hil.streamer.sources.bus_room import WHOLE_S, BusRoom
from hil.streamer.sources.healing import HealingSource
from hil.streamer.sources.modes import Wanted
from hil.streamer.sources.pixel_formats import fourcc_of
from hil.streamer.sources.v4l2 import V4l2Source

STREAMON, DQBUF = 18, 17
RAW, JPEG = fourcc_of("YUYV"), fourcc_of("MJPG")
WHOLE = SIZE.width * SIZE.height * 2
CUT, NOTHING = Sent([bytes(WHOLE // 2)]), Sent([b""])


class Narrow(FakeCamera):
    """Gives raw pictures that a bus without room has spoilt, and whole ones as JPEG."""

    spoilt: Sent | None = CUT

    def answer(self, number: int, data: memoryview) -> None:
        if number == STREAMON and self.fourcc == RAW and self.spoilt is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        if number == DQBUF:
            sent = self.spoilt if self.fourcc == RAW else Sent([jpegs(1)[0]])
            self.queue = [sent] if sent is not None and sent is not NOTHING else []
            if sent is NOTHING:
                time.sleep(1)  # of the test's clock
        super().answer(number, data)


SPOILT = {
    "refused": None,
    "cut off": CUT,
    "flagged": Sent([bytes(WHOLE)], flags=MONOTONIC | ERROR),
    "left out": NOTHING,
}


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("wanted", [Wanted(SIZE), Wanted(SIZE, raw="YUYV")], ids=["any", "raw"])
def test_where_raw_pictures_never_come_whole_jpeg_is_taken(
    how: str, wanted: Wanted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(bus_room, "WHOLE_S", 0.0)
    camera = Narrow(RAW, *SIZE, formats=[(RAW, b""), (JPEG, b"")])
    camera.spoilt = SPOILT[how]
    plug(monkeypatch, tmp_path, camera)
    source = HealingSource(V4l2Source("auto", wanted), clock_of_healing(monkeypatch))
    source.open()
    seen = [camera.fourcc]
    read = (source.read(0.1) for _ in range(1000))
    captured = next((each for each in read if each is not None and not each.bad), None)
    assert captured is not None and captured.picture is not None
    assert [*seen, camera.fourcc] == [RAW, JPEG]
    assert caplog.text.count("which takes less, comes first now") == 1
    source.close()


@pytest.mark.parametrize("how", ["cut off", "flagged"])
def test_a_camera_without_jpeg_goes_on_as_before(how: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bus_room, "WHOLE_S", 0.0)
    camera = Narrow(RAW, *SIZE)
    camera.spoilt = SPOILT[how]
    plug(monkeypatch, tmp_path, camera)
    source = V4l2Source("auto", Wanted(SIZE))
    source.open()
    assert [captured.bad for captured in (source.read(1.0) for _ in range(40)) if captured is not None] == [True] * 40
    source.close()


def test_one_whole_picture_is_enough_and_so_is_a_stream_that_was_whole_before() -> None:
    """A camera that has streamed and gives nothing any more has hung: JPEG does not mend that."""
    clock = Clock()
    room = BusRoom(clock)
    for pictures in ([False, True, False, False], []):
        room.begin("YUYV", "MJPG")
        for is_whole in pictures:
            assert room.take(is_whole) == ""
            clock.now_s += WHOLE_S
        clock.now_s += WHOLE_S
        assert room.end() == ""
    assert not room.is_full


def test_where_jpeg_does_not_come_either_raw_pictures_come_first_again() -> None:
    clock = Clock()
    room = BusRoom(clock)
    seen = []
    for formats in (("YUYV", "MJPG"), ("MJPG", "YUYV")):
        room.begin(*formats)
        assert room.take(False) == ""
        clock.now_s += WHOLE_S
        assert room.take(False) or room.end()
        seen.append(room.is_full)
    assert seen == [True, False]
