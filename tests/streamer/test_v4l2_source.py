# SPDX-License-Identifier: Apache-2.0
"""Which camera is opened, what it is told, and what is said where it can't be had."""

import errno
import logging
import struct
from pathlib import Path
from typing import Any

import pytest
from camera_streams import SIZE, camera_of, jpegs, plug
from encoded import encoded
from fake_v4l2 import FakeCamera
from own_clock import Clock
from scripted_source import clock_of_healing

from hil.streamer.sources.healing import HealingSource
from hil.streamer.sources.modes import Wanted
from hil.streamer.sources.pixel_formats import fourcc_of
from hil.streamer.sources.source import SourceError
from hil.streamer.sources.v4l2 import V4l2Source
from vshm_ctypes import Codec

G_FMT, S_FMT, REQBUFS, STREAMON = 4, 5, 8, 18


@pytest.fixture
def cameras(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Plugs cameras in, instead of those that were there; gives their nodes."""
    return lambda *given: plug(monkeypatch, tmp_path, *given)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return clock_of_healing(monkeypatch)


def test_the_camera_is_told_bit_rate_gop_and_when_a_keyframe_is_wanted(cameras: Any) -> None:
    camera = camera_of(Codec.H264, [data for data, _ in encoded(Codec.H264, "plain")])
    cameras(camera)
    source = V4l2Source("auto", Wanted(SIZE, 25.0, Codec.H264, bit_rate=500_000, gop=12))
    source.open()
    assert set(camera.controls.values()) == {500_000, 12}
    source.want_keyframe()
    assert 1 in camera.controls.values()
    source.close()


@pytest.mark.parametrize(("megabytes", "count"), [(1, 16), (3, 10), (16, 4), (64, 4)])
def test_encoded_pictures_get_more_buffers_than_raw_ones_as_long_as_they_are_small(
    cameras: Any, megabytes: int, count: int
) -> None:
    """A picture may take several of them, and a slow moment must not lose one on which others depend."""
    for camera, expected in ((camera_of(Codec.H264, []), count), (FakeCamera(fourcc_of("YU12"), *SIZE), 4)):
        camera.plane_bytes = megabytes << 20
        cameras(camera)
        source = V4l2Source("auto", Wanted(SIZE, codec=Codec.H264))
        source.open()
        assert camera.granted == expected
        source.close()


def test_where_the_readers_want_another_codec_the_cameras_jpeg_is_decoded(cameras: Any) -> None:
    cameras(camera_of(Codec.JPEG, jpegs(2)))
    source = V4l2Source("auto", Wanted(SIZE, 25.0, Codec.H264))
    source.open()
    assert source.codec is None
    captured = source.read(1.0)
    assert captured is not None
    assert captured.picture is not None
    assert (captured.picture.width, captured.picture.height, captured.from_driver) == (*SIZE, True)
    source.close()


def test_a_camera_that_does_not_start_is_told_from_one_that_is_not_there(cameras: Any, clock: Clock) -> None:
    camera = camera_of(Codec.JPEG, [])
    camera.refused[STREAMON] = errno.EINVAL
    (node,) = cameras(camera)
    source = HealingSource(V4l2Source("auto", Wanted(SIZE)), clock, starts=2)
    source.open()
    with pytest.raises(OSError, match=rf"{node} .* does not start \(VIDIOC_STREAMON: Invalid argument"):
        while True:
            source.read(0.1)
    assert source.figures()["streamon"] == 2
    with pytest.raises(OSError, match=f"no such camera; there is {node}"):
        V4l2Source("nonesuch", Wanted()).open()


def test_auto_passes_over_a_camera_with_formats_of_no_use(
    cameras: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bayer = FakeCamera(fourcc_of("pBAA"), *SIZE, bus=b"platform:csi")
    nodes = cameras(bayer, camera_of(Codec.JPEG, []))
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    caplog.set_level(logging.INFO)
    source = V4l2Source("auto", Wanted(SIZE))
    source.open()
    assert str(nodes[1]) in source.name
    source.close()
    assert "it has only pBAA; of use here are" in caplog.text
    assert "passed over" in caplog.text
    with pytest.raises(SourceError, match="it has only pBAA"):
        V4l2Source(str(nodes[0]), Wanted(SIZE)).open()


def test_what_gives_grey_pictures_only_comes_last(cameras: Any) -> None:
    """Such as the infrared sensor of a laptop, in the formats that uvcvideo has for it, and some that nobody knows."""
    grey = [(fourcc_of(each), b"") for each in ("GREY", "Y16", "Z16")]
    infrared = FakeCamera(fourcc_of("GREY"), *SIZE, formats=grey)
    nodes = cameras(infrared, FakeCamera(fourcc_of("YUYV"), *SIZE, formats=[*grey, (fourcc_of("YUYV"), b"")]))
    for there, expected in ((nodes, nodes[1]), (nodes[:1], nodes[0])):
        if len(there) == 1:
            cameras(infrared)
        source = V4l2Source("auto", Wanted(SIZE))
        source.open()
        assert str(expected) in source.name
        source.close()


def test_where_auto_passed_all_over_it_says_why(cameras: Any) -> None:
    cameras(FakeCamera(fourcc_of("pBAA"), *SIZE), FakeCamera(fourcc_of("BA10"), *SIZE))
    with pytest.raises(SourceError, match=r"video0 .* only pBAA; .*video1 .* only BA10; "):
        V4l2Source("auto", Wanted(SIZE)).open()


@pytest.mark.parametrize("ioctl", [S_FMT, REQBUFS, None], ids=["S_FMT", "REQBUFS", "no bytes"])
def test_a_format_that_the_driver_lists_and_refuses_is_passed_over(
    cameras: Any, ioctl: int | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as JPEG in buffers of 0 bytes."""
    raw, jpeg = fourcc_of("YUYV"), fourcc_of("JPEG")

    class Boasting(FakeCamera):
        def answer(self, number: int, data: memoryview) -> None:
            asked = struct.unpack_from("=I", data, 16)[0] if number == S_FMT else self.fourcc
            if asked == jpeg and number == ioctl:
                raise OSError(errno.EINVAL, "Invalid argument")
            super().answer(number, data)
            if self.fourcc == jpeg and number in (G_FMT, S_FMT) and ioctl is None:
                struct.pack_into("=I", data, 28, 0)

    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    caplog.set_level(logging.INFO)
    camera = Boasting(raw, *SIZE, formats=[(jpeg, b""), (raw, b"")])
    (node,) = cameras(camera)
    source = V4l2Source("auto", Wanted(SIZE, codec=Codec.JPEG))
    source.open()
    assert (camera.fourcc, source.codec) == (raw, None)
    source.close()
    assert "JPEG is passed over" in caplog.text
    camera.formats = [(jpeg, b"")]
    with pytest.raises(SourceError, match=f"{node} .*(Invalid argument|0 bytes)"):
        source.open()
