# SPDX-License-Identifier: Apache-2.0
"""Sizes, rates, bits and profiles at the ends of what encoders have: rounded, or refused with value and limit."""

import os
from typing import Any

import av
import numpy
import pytest

from hil.streamer.channels import Channel
from hil.streamer.colour import BT709, Colour
from hil.streamer.encoder import SOFTWARE, Encoder
from hil.streamer.encoder_settings import PROFILES, EncoderError, settings_of
from hil.suite import patches
from vshm_ctypes import Codec
from vshm_ctypes.bitstream import nal_units
from vshm_ctypes.bitstream.nal import SYNTAXES

DECODERS = {"h264": "h264", "h265": "hevc", "jpeg": "mjpeg"}
EVERY = ["h264", "h265", "jpeg"]
PICTURES = 4


def flat(width: int, height: int, level: int = 150) -> av.VideoFrame:
    rgb = numpy.full((height, width, 3), (level, 90, 60), numpy.uint8)
    return av.VideoFrame.from_ndarray(rgb, format="rgb24")


def encoded(encoder: Encoder, pictures: list[av.VideoFrame], fps: float) -> list[Any]:
    found = [encoder.encode(picture, round(at * 1e9 / fps)) for at, picture in enumerate(pictures)]
    return [unit for units in [*found, encoder.flush()] for unit, _ in units]


def decoded(codec: str, units: list[Any]) -> tuple[list[av.VideoFrame], Any]:
    decoder: Any = av.CodecContext.create(DECODERS[codec], "r")
    return [p for unit in units for p in decoder.decode(av.Packet(unit.data))] + decoder.decode(None), decoder


@pytest.mark.parametrize("codec", EVERY)
@pytest.mark.parametrize(
    "size", [(2, 2), (3, 5), (8, 8), (16, 16), (17, 19), (161, 121), (160, 121), (161, 120), (64, 2), (2048, 16)]
)
def test_any_size_is_encoded_but_for_a_pixel_or_refused_with_the_least(codec: Any, size: tuple[int, int]) -> None:
    if codec == "h265" and min(size) < 16:
        with pytest.raises(EncoderError, match=rf"libx265: {size[0]}x{size[1]}: from 16x16 on"):
            Encoder(Channel(codec=codec), "libx265", *size, 30)
        return
    encoder = Encoder(Channel(codec=codec, quality=90), SOFTWARE[codec], *size, 30)
    pictures, _ = decoded(codec, encoded(encoder, [flat(*size)] * PICTURES, 30))
    assert len(pictures) == PICTURES
    for picture in pictures:
        assert (picture.width, picture.height) == (encoder.width, encoder.height)
        assert all(0 <= had - has <= 1 for had, has in zip(size, (encoder.width, encoder.height), strict=True))
        shown = patches.shown(picture)
        assert numpy.abs(shown - (150, 90, 60)).max() <= 5  # to the last line and column: a border of another is none


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1)])
def test_a_single_line_of_pixels_becomes_two(size: tuple[int, int]) -> None:
    encoder = Encoder(Channel(), "libx264", *size, 30)
    pictures, _ = decoded("h264", encoded(encoder, [flat(*size)], 30))
    assert {(picture.width, picture.height) for picture in pictures} == {tuple(max(side, 2) for side in size)}


def test_jpeg_of_an_odd_size_is_converted_as_any_other() -> None:
    """What changes the matrix knows even sizes only."""
    picture = av.VideoFrame(161, 121, "yuv420p")
    for plane, level in zip(picture.planes, (120, 90, 160), strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    Colour(False, BT709).put_on(picture)
    meant = patches.rgb_of(numpy.array([120.0, 90, 160]), Colour(False, BT709))
    encoder = Encoder(Channel(codec="jpeg", quality=95), "mjpeg", 161, 121, 30)
    ((found,), _) = decoded("jpeg", encoded(encoder, [picture], 30))
    assert (found.width, found.height) == (161, 121)
    assert numpy.abs(patches.shown(found) - meant).max() <= 3


def test_what_the_library_refuses_is_told_in_its_own_words() -> None:
    with pytest.raises(EncoderError, match=r"libx264: 20000x16 at 30 fps, \d+ bit/s: .*width") as refused:
        Encoder(Channel(), "libx264", 20000, 16, 30)
    assert "Generic error" not in str(refused.value)
    for _ in range(2):  # also where the same was said before
        with pytest.raises(
            EncoderError, match=r"mjpeg: 70000x16 at 30 fps: JPEG does not support .* above 65500x65500"
        ):
            Encoder(Channel(codec="jpeg"), "mjpeg", 70000, 16, 30)


def test_h265_of_few_lines_has_limits_of_its_own() -> None:
    Encoder(Channel(codec="h265"), "libx265", 4208, 16, 30)
    with pytest.raises(EncoderError, match=r"libx265: 16x4210: up to 4208 pixels where the other side has fewer"):
        Encoder(Channel(codec="h265"), "libx265", 16, 4210, 30)


@pytest.mark.parametrize("codec", EVERY)
@pytest.mark.parametrize("fps", [0.0001, 0.001, 0.25, 1, 12.5, 29.97, 30000 / 1001, 59.94, 240, 1000, 90000])
def test_any_rate_is_encoded(codec: Any, fps: float) -> None:
    encoder = Encoder(Channel(codec=codec), SOFTWARE[codec], 64, 48, fps)
    pictures, _ = decoded(codec, encoded(encoder, [flat(64, 48)] * PICTURES, fps))
    assert len(pictures) == PICTURES


def test_a_rate_that_nobody_knows_is_an_ordinary_one() -> None:
    """A rate of 0 would leave no bits at all for a picture."""
    pictures = [flat(320, 240, level) for level in range(0, 250, 25)]
    unknown, known = (
        len(b"".join(unit.data for unit in encoded(Encoder(Channel(), "libx264", 320, 240, fps), pictures, 30)))
        for fps in (0, 30)
    )
    assert unknown == known


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize(
    ("fps", "asked"), [(0.25, 20_000), (1, 30_000), (29.97, 300_000), (30, 1_000_000), (1000, 5_000_000)]
)
def test_the_bit_rate_is_reached_at_every_rate(codec: Any, fps: float, asked: int) -> None:
    width, height, chance = 160, 120, numpy.random.default_rng(1)
    pictures = []
    ground = numpy.kron(chance.normal(128, 25, (60, 60)), numpy.ones((8, 8)))
    for at in range(90):
        levels = numpy.full((height * 3 // 2, width), 128, numpy.uint8)
        noise = chance.normal(0, 6, (height, width))
        levels[:height] = (ground[at * 3 : at * 3 + height, at * 2 : at * 2 + width] + noise).clip(16, 235)
        pictures.append(av.VideoFrame.from_ndarray(levels, format="yuv420p"))
    encoder = Encoder(Channel(codec=codec, bit_rate=asked), SOFTWARE[codec], width, height, fps)
    units = encoded(encoder, pictures, fps)[30:]
    reached = sum(len(unit.data) for unit in units) * 8 * fps / len(units)
    assert 0.6 * asked < reached < 1.6 * asked


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("bit_rate", [0, 1000, 10**9])
def test_the_ends_of_bit_rates_are_encoded(codec: Any, bit_rate: int) -> None:
    for fps in (0.001, 30):
        encoder = Encoder(Channel(codec=codec, bit_rate=bit_rate), SOFTWARE[codec], 16, 16, fps)
        pictures, _ = decoded(codec, encoded(encoder, [flat(16, 16)] * PICTURES, fps))
        assert len(pictures) == PICTURES


@pytest.mark.parametrize("codec", EVERY)
@pytest.mark.parametrize("quality", [1, 100])
def test_the_ends_of_quality_and_gop_are_encoded(codec: Any, quality: int) -> None:
    for gop in (1, 10_000):
        encoder = Encoder(Channel(codec=codec, quality=quality, gop=gop), SOFTWARE[codec], 64, 48, 30)
        units = encoded(encoder, [flat(64, 48)] * PICTURES, 30)
        assert [unit.keyframe for unit in units] == [True] + [gop == 1 or codec == "jpeg"] * (PICTURES - 1)
        assert len(decoded(codec, units)[0]) == PICTURES


PROFILE_NAMES = {
    "baseline": ("Baseline", "Constrained Baseline"),
    "constrained_baseline": ("Baseline", "Constrained Baseline"),
    "main": ("Main",),
    "MAIN": ("Main",),
    "high": ("High",),
    "high10": ("High 10",),
    "high422": ("High 4:2:2",),
    "high444": ("High 4:4:4 Predictive",),
    "main10": ("Main 10",),
    "main12": ("Rext",),
    "main422-10": ("Rext",),
    "main444-8": ("Rext",),
    "main444-10": ("Rext",),
}


@pytest.mark.parametrize(
    ("codec", "profile"),
    [
        *(("h264", name) for name in [*PROFILES["libx264"], "constrained_baseline", "MAIN"]),
        *(("h265", name) for name in PROFILES["libx265"]),
    ],
)
def test_a_profile_has_the_pixels_that_it_is_for(codec: Any, profile: str) -> None:
    encoder = Encoder(Channel(codec=codec, profile=profile, quality=90), SOFTWARE[codec], 64, 48, 30)
    pictures, decoder = decoded(codec, encoded(encoder, [flat(64, 48)] * PICTURES, 30))
    assert len(pictures) == PICTURES
    assert decoder.profile in PROFILE_NAMES[profile]
    pixels = PROFILES[SOFTWARE[codec]].get(profile, "yuv420p")
    assert {picture.format.name for picture in pictures} == {pixels}


@pytest.mark.parametrize(
    ("codec", "profile", "why"),
    [
        ("h264", "main10", "profile=main10: libx264 has baseline, main, high, high10"),
        ("h265", "high", "profile=high: libx265 has main, main10"),
        ("jpeg", "main", "profile=main: mjpeg has no profiles"),
    ],
)
def test_a_profile_that_an_encoder_has_not_is_refused_with_those_it_has(codec: Any, profile: str, why: str) -> None:
    with pytest.raises(EncoderError, match=why):
        Encoder(Channel(codec=codec, profile=profile), SOFTWARE[codec], 64, 48, 30)


@pytest.mark.parametrize(("size", "alone", "single"), [((320, 180), False, True), ((320, 180), True, False)])
def test_a_small_channel_that_has_others_beside_it_takes_one_thread(
    size: tuple[int, int], alone: bool, single: bool
) -> None:
    """Which each slice of its pictures tells: a picture is divided among threads."""
    if len(os.sched_getaffinity(0)) == 1:
        pytest.skip("libx264 divides no picture on one processor")
    encoder = Encoder(Channel(encoder="libx264"), "libx264", *size, 30.0, alone)
    picture = av.VideoFrame(*size, "yuv420p")
    (unit, _), *_ = [*encoder.encode(picture, 0), *encoder.flush()]
    slices = [nal for nal in nal_units(unit.data, Codec.H264) if nal.kind in SYNTAXES[Codec.H264].slices]
    assert (len(slices) == 1) == single


def test_a_large_channel_takes_the_threads_that_it_needs() -> None:
    for size, fps, single in (((640, 360), 30.0, True), ((640, 360), 60.0, False), ((1280, 720), 30.0, False)):
        options = settings_of(Channel(encoder="libx264"), "libx264", *size, fps).options
        assert ("threads=1" in options["x264-params"].split(":")) == single
