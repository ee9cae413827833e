# SPDX-License-Identifier: Apache-2.0
"""Patches of grey and colour as raw pictures: by what is told of their colours they show what went in."""

import itertools
from typing import Any

import numpy
import pytest
from raw_pictures import levels_of, shown

from hil.streamer.colour import BT601, BT709, BT2020, UNTOLD, Colour, guessed_matrix
from hil.streamer.encoder_settings import EncoderError
from hil.streamer.raw_pictures import RawPictures
from hil.suite import patches
from vshm_ctypes import Codec, PictureLayout
from vshm_ctypes.picture import PIXELS

LEVELS = 3
LIMITED, FULL = False, True
SIZE = patches.WIDTH, patches.HEIGHT
CASES = [
    *(("yuyv422", Colour(span, matrix)) for span in (LIMITED, FULL) for matrix in (BT601, BT709, BT2020, 7, UNTOLD)),
    *itertools.product(("uyvy422", "nv12", "yuv420p", "yuv422p", "yuv444p", "yuv420p10le"), [Colour(LIMITED, BT709)]),
    *itertools.product(("gray", "gray10le"), [Colour(FULL)]),
    *itertools.product(("yuvj420p", "yuvj422p"), [Colour(FULL, 5)]),
    *itertools.product(("rgb24", "bgr24", "gbrp"), [Colour(FULL, 0)]),
]
NAMES = [f"{pixels}-{'full' if colour.full_range else 'limited'}-{colour.matrix}" for pixels, colour in CASES]


def converted(picture: Any, codec: Codec, width: int = 0, height: int = 0) -> tuple[bytearray, PictureLayout]:
    raw = RawPictures(codec, width or picture.width, height or picture.height)
    layout = raw.describe(picture)
    slot = bytearray(layout.size)
    raw.convert(picture, memoryview(slot))
    return slot, layout


@pytest.mark.parametrize("codec", PIXELS, ids=lambda codec: codec.name)
@pytest.mark.parametrize(("pixels", "colour"), CASES, ids=NAMES)
def test_a_raw_picture_shows_what_went_in(pixels: str, colour: Colour, codec: Codec) -> None:
    slot, layout = converted(patches.picture(pixels, colour), codec)
    grey = codec == Codec.GREY or pixels.startswith("gray")
    assert deviation(shown(slot, layout), colour, grey) <= LEVELS


def deviation(rgb: Any, colour: Colour, grey: bool) -> float:
    if not grey or colour.matrix in (BT601, 5, 0, UNTOLD):
        return patches.deviation(rgb, "gray" if grey else "")
    luma = patches.ycbcr_of(numpy.array(patches.PATCHES, float), Colour(FULL, colour.matrix))[:, 0]
    return patches.deviation(rgb, patches=[(level, level, level) for level in luma])


@pytest.mark.parametrize("codec", PIXELS, ids=lambda codec: codec.name)
def test_it_does_so_at_another_size(codec: Codec) -> None:
    for pixels, colour in (("nv12", Colour(LIMITED, BT709)), ("yuyv422", Colour()), ("bgr24", Colour(FULL, 0))):
        width, height = 2 * SIZE[0], 2 * SIZE[1]
        slot, layout = converted(patches.picture(pixels, colour), codec, width, height)
        assert deviation(shown(slot, layout)[::2, ::2], colour, codec == Codec.GREY) <= LEVELS


@pytest.mark.parametrize(("pixels", "codec"), [(pixels, codec) for codec, pixels in PIXELS.items()])
def test_what_has_the_format_already_comes_byte_for_byte(pixels: str, codec: Codec) -> None:
    rgb = codec in (Codec.RGB24, Codec.BGR24)
    for full in (LIMITED, FULL):
        picture = patches.picture(pixels, Colour(full, 0 if rgb else BT709, 9, 16))
        if rgb:
            Colour(full, 0, 9, 16).put_on(picture)
        slot, layout = converted(picture, codec)
        packed = bytes(picture.to_ndarray().tobytes())
        assert bytes(slot) == packed
        assert layout.colour == (9, 16, 0 if rgb else BT709, 1 + full)


def test_luma_is_that_of_the_camera_wherever_there_is_any() -> None:
    picture = patches.picture("yuv422p", Colour(LIMITED, BT709))
    luma = numpy.frombuffer(bytes(picture.planes[0]), numpy.uint8).reshape(SIZE[1], -1)[:, : SIZE[0]]
    for codec in (Codec.NV12, Codec.I420, Codec.YUYV, Codec.GREY):
        assert (levels_of(*converted(picture, codec))[..., 0] == luma).all(), codec


def test_what_nobody_tells_is_told_once_a_size_would_change_what_is_taken_for_it() -> None:
    picture = patches.picture("nv12", Colour())
    assert converted(picture, Codec.NV12)[1].colour == (UNTOLD, UNTOLD, UNTOLD, 1)
    large = converted(picture, Codec.NV12, 1280, 720)[1].colour
    assert guessed_matrix(*SIZE) != guessed_matrix(1280, 720)
    assert large.matrix == guessed_matrix(*SIZE)


@pytest.mark.parametrize("pixels", ["rgb565le", "rgb555le", "rgb565be"])
def test_few_bits_are_widened(pixels: str) -> None:
    white = patches.picture("rgb24", Colour(FULL, 0), [(255, 255, 255)] * 4).reformat(format=pixels)
    for codec in PIXELS:
        assert shown(*converted(white, codec)).min() >= 255 - LEVELS, codec


def test_limited_rgb_is_expanded_where_it_is_converted_and_told_where_it_is_not() -> None:
    values = [tuple(round(16 + level * 219 / 255) for level in patch) for patch in patches.PATCHES]
    picture = patches.picture("rgb24", Colour(FULL, 0), values)  # type: ignore[arg-type]
    Colour(LIMITED, 0).put_on(picture)
    for codec in PIXELS:
        slot, layout = converted(picture, codec)
        assert deviation(shown(slot, layout), Colour(FULL, BT601), codec == Codec.GREY) <= LEVELS, codec


def test_a_matrix_that_nothing_can_convert_is_kept_or_refused_by_number() -> None:
    picture = patches.picture("yuyv422", Colour(LIMITED, BT709))
    picture.colorspace = 14  # ICtCp
    assert converted(picture, Codec.NV12)[1].colour.matrix == 14
    with pytest.raises(EncoderError, match=r"rgb24: a picture of 128x128 in yuyv422: .*matrix 14 of ITU-T H\.273"):
        converted(picture, Codec.RGB24)
