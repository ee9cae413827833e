# SPDX-License-Identifier: Apache-2.0
"""What a driver's numbers tell of lost pictures, and what they do not; buffers that it gives back unfilled."""

import time
from pathlib import Path
from typing import Any

import pytest
from camera_streams import SIZE, camera_of, jpegs, plug, stream
from encoded import encoded
from fake_v4l2 import CAPTURE, ERROR, PLANES, FakeCamera, Sent, cancelled

from hil.streamer.sources import capture_time
from hil.streamer.sources.modes import Wanted
from hil.streamer.sources.numbering import Numbering
from hil.streamer.sources.pixel_formats import fourcc_of
from hil.streamer.sources.v4l2 import V4l2Source
from vshm_ctypes import Codec

TOP = 2**32 - 1
FRAME = bytes(SIZE.width * SIZE.height * 3 // 2)


@pytest.fixture
def cameras(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Plugs cameras in, whose times are believed even if this machine stands still for a while."""
    monkeypatch.setattr(capture_time, "MAX_AGE_NS", 1 << 60)
    return lambda *given: plug(monkeypatch, tmp_path, *given)


def test_numbers_tell_what_is_lost_across_the_wrap_too() -> None:
    numbering = Numbering()
    assert [numbering.take(number) for number in (TOP - 1, TOP, 0, 1, 4)] == [0, 0, 0, 0, 2]
    assert (numbering.lost, numbering.jumps, numbering.wraps) == (2, 0, 1)
    assert numbering.take(2) == -1
    assert (numbering.lost, numbering.jumps, numbering.wraps) == (2, 1, 1)
    numbering.begin()
    assert numbering.take(900) == 0
    assert (numbering.lost, numbering.jumps) == (2, 1)


@pytest.mark.parametrize(
    ("numbers", "missing", "lost", "jumps"),
    [
        ((7, 8, 0, 1, 2), (0, 0, -1, 0, 0), 0, 1),  # it began anew
        ((7, 8, 0, 1, 4), (0, 0, -1, 0, 2), 2, 1),
        ((7, 8, 0, 9, 10), (0, 0, -1, 0, 0), 0, 1),  # a single number was wrong, of a picture that has none
        ((7, 8, 0, 10, 11), (0, 0, -1, 0, 0), 0, 1),  # or of one that has
        ((7, 8, 0, 12, 13), (0, 0, -1, 2, 0), 2, 1),
        ((7, 8, 1 << 30, 9, 10), (0, 0, -1, 0, 0), 0, 1),
        ((7, 8, 1 << 30, (1 << 30) + 1), (0, 0, -1, 0), 0, 1),
        ((TOP, 5, 2, 0, 1), (0, 5, -1, -1, 0), 5, 2),
        ((0, 1, 0, 1, 0, 1), (0, 0, -1, 0, -1, 0), 0, 2),
    ],
)
def test_a_jump_is_no_loss_of_so_many_pictures(
    numbers: tuple[int, ...], missing: tuple[int, ...], lost: int, jumps: int
) -> None:
    numbering = Numbering()
    assert tuple(numbering.take(number) for number in numbers) == missing
    assert (numbering.lost, numbering.jumps) == (lost, jumps)


def test_a_driver_that_does_not_number_its_pictures_jumps_with_none_of_them() -> None:
    numbering = Numbering()
    assert [numbering.take(0) for _ in range(100)] == [0] * 100
    assert (numbering.lost, numbering.jumps, numbering.repeats) == (0, 0, 99)


CONTENTS: dict[str, list[bytes]] = {
    "MJPG": jpegs(6),
    "H264": [data for data, _ in encoded(Codec.H264, "plain")[:6]],
    "YU12": [FRAME] * 6,
}


@pytest.mark.parametrize(("fourcc", "codec"), [("MJPG", Codec.JPEG), ("H264", Codec.H264), ("YU12", None)])
def test_buffers_that_come_back_unfilled_are_neither_frames_nor_gaps(
    cameras: Any, fourcc: str, codec: Codec | None
) -> None:
    """Uvcvideo gives all its buffers back after a failed transfer, each with number and time 0."""
    queue = [Sent([data], sequence=100 + number) for number, data in enumerate(CONTENTS[fourcc])]
    queue = [cancelled(), *queue[:3], *[cancelled() for _ in range(4)], *queue[3:], cancelled()]
    camera = FakeCamera(fourcc_of(fourcc), *SIZE, queue=queue)
    cameras(camera)
    source = V4l2Source("auto", Wanted(SIZE, codec=codec))
    source.open()
    found = []
    for _ in range(50):
        captured = source.read(0.0)
        if captured is not None:
            found.append((captured.sequence, captured.bad, captured.discontinuity))
        captured = None  # gives its buffer back
    assert found == [(100 + number, False, False) for number in range(6)]
    figures = source.figures()
    assert (figures["cancelled"], figures["lost"], figures["jumps"], figures["own_times"]) == (6, 0, 0, 0)
    assert len(camera.free) == camera.granted  # each went back to the driver
    source.close()


def test_unfilled_buffers_of_several_planes_are_told_too(cameras: Any) -> None:
    luma, colour = bytes(SIZE.width * SIZE.height), bytes(SIZE.width * SIZE.height // 2)
    queue = [Sent([luma, colour], sequence=5), cancelled(2), Sent([luma, colour], sequence=6)]
    camera = FakeCamera(fourcc_of("NM12"), *SIZE, capabilities=PLANES, strides=[0, 0], queue=queue)
    cameras(camera)
    source = V4l2Source("auto", Wanted(SIZE))
    source.open()
    assert [captured and captured.sequence for captured in (source.read(1.0) for _ in range(3))] == [5, None, 6]
    assert source.figures()["cancelled"] == 1
    source.close()


@pytest.mark.parametrize(
    "sent",
    [
        Sent([b""], flags=ERROR | 0x2000, sequence=0),  # it was begun: it has a time
        Sent([b""], flags=ERROR | 0x2000, sequence=7, is_timeless=True),
        Sent([FRAME[:9]], flags=ERROR | 0x2000, sequence=0, is_timeless=True),
        Sent([b""], sequence=0, is_timeless=True),
    ],
)
def test_a_buffer_that_was_begun_is_a_damaged_picture(cameras: Any, sent: Sent) -> None:
    camera = FakeCamera(fourcc_of("YU12"), *SIZE, capabilities=CAPTURE, queue=[sent])
    cameras(camera)
    source = V4l2Source("auto", Wanted(SIZE))
    source.open()
    captured = source.read(1.0)
    assert captured is not None
    assert captured.bad
    assert source.figures()["cancelled"] == 0
    source.close()


def test_a_picture_with_number_and_time_0_is_a_picture(cameras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_time, "MAX_AGE_NS", 10**9)
    camera = FakeCamera(fourcc_of("YU12"), *SIZE, queue=[Sent([FRAME], sequence=0, is_timeless=True) for _ in range(3)])
    cameras(camera)
    source = V4l2Source("auto", Wanted(SIZE))
    source.open()
    begin_ns = time.monotonic_ns()
    for _ in range(3):
        captured = source.read(1.0)
        assert captured is not None
        assert not captured.bad
        assert captured.capture_ns >= begin_ns - 10**9
    assert source.figures()["own_times"] == source.figures()["repeats"] + 1 == 3
    source.close()


def test_a_jump_breaks_an_encoded_stream_and_a_wrap_does_not(ring: str, cameras: Any) -> None:
    camera = camera_of(Codec.H264, [data for data, _ in encoded(Codec.H264, "plain")[:12]])
    for index, number in enumerate((TOP - 1, TOP, 0, 1)):
        camera.queue[index].sequence = number
    camera.queue[8].sequence = 3
    cameras(camera)
    frames, _, source = stream(ring, Codec.H264, camera)
    assert [number for number, frame in enumerate(frames) if frame.discontinuity and number] == [8]
    assert {name: source.figures()[name] for name in ("lost", "jumps", "wraps")} == {"lost": 0, "jumps": 1, "wraps": 1}


def test_numbers_that_begin_anew_when_the_camera_is_opened_again_are_no_jump(cameras: Any) -> None:
    camera = FakeCamera(fourcc_of("YU12"), *SIZE, queue=[Sent([FRAME], sequence=number) for number in (50, 51)])
    cameras(camera)
    source = V4l2Source("auto", Wanted(SIZE))
    for _ in range(2):
        source.open()
        for _ in range(2):
            assert source.read(1.0) is not None
        source.close()
        camera.queue = [Sent([FRAME], sequence=number) for number in (0, 1)]
    assert (source.figures()["lost"], source.figures()["jumps"], source.figures()["repeats"]) == (0, 0, 0)
