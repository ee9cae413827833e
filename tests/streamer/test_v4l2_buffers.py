# SPDX-License-Identifier: Apache-2.0
"""A driver's buffers as pictures: in place where PyAV takes them, by copy elsewhere, and given back in time."""

import gc
import mmap
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import av
import numpy
import pytest

from hil.streamer.sources import v4l2_buffers, v4l2_layout
from hil.streamer.sources.modes import Size
from hil.streamer.sources.v4l2_buffers import Buffer, Buffers
from hil.streamer.sources.v4l2_colour import colour_of_format
from hil.streamer.sources.v4l2_layout import Layout
from hil.streamer.sources.v4l2_queue import Colour, Filled, Format

LINES = {"yuv420p": 3 / 2, "nv12": 3 / 2, "gray": 1, "yuyv422": 1, "rgb24": 1, "bgr24": 1}
BYTES = {"yuyv422": 2, "rgb24": 3, "bgr24": 3}
FOURCC = {"yuv420p": "YU12", "nv12": "NV12", "gray": "GREY", "yuyv422": "YUYV", "rgb24": "RGB3", "bgr24": "BGR3"}


def buffers(pixels: str, size: Size, padding: int = 0) -> Any:
    """Return two buffers of random pixels, as the driver would fill them. padding: bytes at the end of a line."""
    owner: Any = Buffers.__new__(Buffers)
    owner.pixels, owner.stride = pixels, size.width * BYTES.get(pixels, 1) + padding
    owner.size, owner.layout = size, Layout(Format(FOURCC[pixels], size, (owner.stride,), Colour()))
    owner.colour = colour_of_format(Colour(), owner.layout.is_rgb, owner.layout.is_grey)
    owner.picture_bytes = int(size.height * LINES[pixels]) * owner.stride
    chance = numpy.random.default_rng(1)
    owner.mappings = [[mmap.mmap(-1, owner.picture_bytes)] for _ in range(2)]
    for (mapping,) in owner.mappings:
        mapping.write(chance.integers(0, 255, owner.picture_bytes, numpy.uint8).tobytes())
    owner.returned = []
    owner.give_back = owner.returned.append
    return owner


def filled(owner: Any, index: int, used: int | None = None, flags: int = 0) -> Buffer:
    parts = ((0, owner.picture_bytes if used is None else used),)
    return Buffer(owner, Filled(index, parts, flags, sequence=0, stamp_ns=0), 0)


def address(owner: Any, index: int) -> int:
    return int(numpy.frombuffer(owner.mappings[index][0], numpy.uint8).ctypes.data)


def rows(owner: Any, index: int) -> Any:
    """Return what the driver wrote, without the padding."""
    flat = numpy.frombuffer(owner.mappings[index][0], numpy.uint8).copy()
    return flat.reshape(-1, owner.stride)[:, : owner.size.width * BYTES.get(owner.pixels, 1)]


@pytest.mark.parametrize("has_numpy", [True, False])
@pytest.mark.parametrize("padding", [0, 64])
@pytest.mark.parametrize("pixels", ["yuv420p", "nv12", "gray", "rgb24", "bgr24", "yuyv422"])
@pytest.mark.parametrize("height", [360, 270])  # PyAV would make 268 of the latter, where colour is apart
def test_a_picture_is_what_the_driver_wrote(
    pixels: str, height: int, padding: int, has_numpy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(v4l2_layout, "_SHARES", has_numpy)
    owner = buffers(pixels, Size(640, height), padding)
    picture = filled(owner, 1).picture()
    assert has_numpy or owner.returned == [1]
    assert (picture.width, picture.height, picture.format.name) == (640, height, pixels)
    luma = numpy.frombuffer(memoryview(picture.planes[0]), numpy.uint8).reshape(-1, picture.planes[0].line_size)
    expected = rows(owner, 1)
    assert numpy.array_equal(luma[:height, : expected.shape[1]], expected[:height])
    if pixels == "yuv420p":
        flat, stride = numpy.frombuffer(owner.mappings[1][0], numpy.uint8), owner.stride
        for plane, at in ((1, height * stride), (2, height * stride * 5 // 4)):
            colour = numpy.frombuffer(memoryview(picture.planes[plane]), numpy.uint8)
            colour = colour.reshape(-1, picture.planes[plane].line_size)[: height // 2, :320]
            wrote = flat[at : at + height * stride // 4].reshape(height // 2, stride // 2)[:, :320]
            assert numpy.array_equal(colour, wrote)


@pytest.mark.parametrize("pixels", ["yuv420p", "nv12", "gray", "rgb24"])
def test_a_picture_lies_in_its_buffer_which_comes_back_when_it_is_gone(pixels: str) -> None:
    owner = buffers(pixels, Size(640, 360))
    picture: Any = filled(owner, 1).picture()
    assert picture.planes[0].buffer_ptr == address(owner, 1)
    gc.collect()
    assert owner.returned == []
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 640, 360, "yuvj420p", Fraction(1, 30)
    encoder.encode(picture.reformat(format="yuvj420p"))
    del picture
    gc.collect()
    assert owner.returned == [1]


def test_what_has_to_be_copied_gives_its_buffer_back_at_once() -> None:
    for pixels, size in (("yuyv422", Size(640, 360)), ("yuv420p", Size(640, 270))):
        owner = buffers(pixels, size)
        assert owner.layout.copies
        picture = filled(owner, 0).picture()
        assert owner.returned == [0]
        assert picture.planes[0].buffer_ptr != address(owner, 0)


def test_a_buffer_that_is_flagged_or_too_short_is_bad() -> None:
    owner = buffers("yuv420p", Size(640, 360))
    assert not filled(owner, 0).is_bad
    assert filled(owner, 0, flags=0x40).is_bad
    assert filled(owner, 0, used=owner.picture_bytes - 1).is_bad
    owner.layout = Layout(Format("H264", Size(640, 360), (0,), Colour()))  # the camera encodes by itself: any size
    assert not filled(owner, 0, used=1).is_bad
    assert filled(owner, 0, used=0).is_bad


def test_pictures_that_are_kept_stay_readable_when_the_camera_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = buffers("yuv420p", Size(640, 360))
    told: list[str] = []
    owner._queue = SimpleNamespace(stop=lambda: told.append("stop"), free=lambda: told.append("free"))
    owner.device = SimpleNamespace(close=lambda: told.append("close"))
    owner._guard, owner._over = v4l2_buffers.threading.RLock(), False  # type: ignore[attr-defined]
    picture = filled(owner, 0).picture()
    before = bytes(picture.planes[0])
    owner.close()
    owner.close()
    gc.collect()
    assert told == ["stop", "free", "close"]
    assert bytes(picture.planes[0]) == before
