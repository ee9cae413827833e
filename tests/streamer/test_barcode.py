# SPDX-License-Identifier: Apache-2.0
"""The number in the picture: it survives encoding, scaling and rubbish, and none is read where there is none."""

from fractions import Fraction
from typing import Any

import av
import numpy
import pytest

from hil.streamer.sources import barcode

NUMBERS = (0, 1, 2, 255, 65535, 123_456_789, 2**31, 2**32 - 1)


def noise(width: int, height: int, seed: int = 1) -> Any:
    return numpy.random.default_rng(seed).integers(0, 255, (height, width), numpy.uint8)


@pytest.mark.parametrize("size", [(160, 120), (640, 360), (641, 363), (1920, 1080)])
def test_what_was_drawn_is_read(size: tuple[int, int]) -> None:
    for number in NUMBERS:
        luma = noise(*size)
        barcode.draw(luma, number)
        assert barcode.read(luma) == number


def test_only_the_low_32_bits_are_drawn() -> None:
    luma = noise(640, 360)
    barcode.draw(luma, 2**32 + 7)
    assert barcode.read(luma) == 7


@pytest.mark.parametrize(
    ("encoder", "options"), [("libx264", {"crf": "40"}), ("libx265", {"crf": "40"}), ("mjpeg", {})]
)
@pytest.mark.parametrize("scale", [1, 2])
def test_it_survives_a_strong_encoder_and_scaling(encoder: str, options: dict[str, str], scale: int) -> None:
    width, height = 640 // scale, 360 // scale
    pixels = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
    context: Any = av.CodecContext.create(encoder, "w")
    context.width, context.height, context.pix_fmt = width, height, pixels
    context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
    context.options = options
    packets: list[Any] = []
    for number in NUMBERS:
        picture = noise(640, 540, number % 1000)
        picture[:360] //= 2
        barcode.draw(picture[:360], number)
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p").reformat(width, height, pixels)
        frame.pts = len(packets)
        packets += context.encode(frame)
    packets += context.encode(None)
    decoder: Any = av.CodecContext.create(context.name.replace("libx264", "h264").replace("libx265", "hevc"), "r")
    decoder.extradata = context.extradata
    frames = [frame for packet in packets for frame in decoder.decode(packet)] + decoder.decode(None)
    read = [barcode.read(frame.reformat(format="yuv420p").to_ndarray()[:height]) for frame in frames]
    assert read == list(NUMBERS)


def test_where_there_is_none_none_is_read() -> None:
    found = [barcode.read(noise(640, 360, seed)) for seed in range(200)]
    assert sum(number is not None for number in found) <= 5  # 8 check bits let one in 256 through
    assert barcode.read(noise(80, 60)) is None


def test_a_picture_that_is_too_narrow_is_refused() -> None:
    with pytest.raises(ValueError, match="too narrow"):
        barcode.draw(noise(barcode.MIN_WIDTH - 1, 100), 1)
