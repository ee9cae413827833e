# SPDX-License-Identifier: Apache-2.0
"""A bit rate that is asked of JPEG is heeded: the quality follows it, and where none suffices, that is said."""

import logging
import os
from fractions import Fraction
from typing import Any

import av
import numpy
import pytest

from hil.streamer.channels import Channel
from hil.streamer.encoder import Encoder
from hil.streamer.log import LOG
from vshm_ctypes.bitstream.jpeg_tables import STANDARD_TABLES, huffman_segment
from vshm_ctypes.cli.publish.rtp_jpeg import rtp_jpeg

WIDTH, HEIGHT, FPS, COUNT = 640, 480, 15, 180


def picture(number: int, noise: int) -> av.VideoFrame:
    """Return a soft gradient that moves, with so much noise."""
    rows, columns = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    luma = 128 + 80 * numpy.sin((rows + number * 3) / 60) * numpy.cos(columns / 90)
    luma += numpy.random.default_rng(number).integers(-noise, noise + 1, luma.shape)
    planes = numpy.full((HEIGHT * 3 // 2, WIDTH), 128, numpy.uint8)
    planes[:HEIGHT] = numpy.clip(luma, 0, 255)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def sizes(words: str, noise: int) -> list[int]:
    """Return the size of each picture in bytes. Asserts that each goes out with its own time."""
    encoder = Encoder(Channel.parse(words), "mjpeg", WIDTH, HEIGHT, FPS)
    times = [1_000_000_000 + number * 66_666_667 + number % 3 for number in range(COUNT)]
    units = [unit for number, at in enumerate(times) for unit in encoder.encode(picture(number, noise), at)]
    units += encoder.flush()
    assert [at for _, at in units] == times
    return [len(unit.data) for unit, _ in units]


@pytest.mark.parametrize("noise", [3, 12])
@pytest.mark.parametrize("rate", [1_000_000, 2_500_000])
def test_the_quality_follows_the_rate(rate: int, noise: int) -> None:
    settled = sizes(f"0:640x480@15,{rate},codec=jpeg", noise)[COUNT // 2 :]
    assert sum(settled) / len(settled) * 8 * FPS == pytest.approx(rate, rel=0.15)


def test_without_a_rate_the_quality_is_what_was_said() -> None:
    low, high = (sum(sizes(f"0:codec=jpeg,quality={quality}", 12)) for quality in (20, 90))
    assert low * 2 < high


@pytest.mark.parametrize(("rate", "warns"), [(40_000, True), (2_500_000, False)])
def test_a_rate_that_no_quality_keeps_is_told(rate: int, warns: bool, caplog: pytest.LogCaptureFixture) -> None:
    LOG.addHandler(caplog.handler)
    with caplog.at_level(logging.WARNING, "camera-streamer"):
        sizes(f"0:640x480@15,{rate},codec=jpeg", 12)
    LOG.removeHandler(caplog.handler)
    records = {id(record): record.getMessage() for record in caplog.records}  # which may come by two ways
    told = [text for text in records.values() if "at its lowest quality takes" in text]
    assert len(told) == warns
    assert all(f"more than bit_rate={rate}: choose a smaller picture" in line for line in told)


def test_the_huffman_tables_are_the_standards_on_a_single_processor_too() -> None:
    """RTP carries none, and receivers take the standard's."""
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    try:
        encoder = Encoder(Channel.parse("0:codec=jpeg"), "mjpeg", WIDTH, HEIGHT, FPS)
        ((unit, _), *_) = [*encoder.encode(picture(0, 12), 1_000_000_000), *encoder.flush()]
    finally:
        os.sched_setaffinity(0, processors)
    assert all(huffman_segment([table])[4:] in unit.data for table in STANDARD_TABLES)


@pytest.mark.parametrize(
    ("width", "height", "fps"), [(640, 480, 15), (1920, 1080, 30), (1281, 721, 30), (16, 2040, 240)]
)
def test_rtp_can_carry_it(width: int, height: int, fps: int) -> None:
    """As vshm publish asks it. FFmpeg's threads would put restart markers between their parts."""
    encoder = Encoder(Channel.parse("0:codec=jpeg"), "mjpeg", width, height, fps)
    blank = av.VideoFrame(width, height, "yuv420p")
    ((unit, _), *_) = [*encoder.encode(blank, 1_000_000_000), *encoder.flush()]
    assert rtp_jpeg(unit.data)  # or it raises


@pytest.mark.parametrize("quality", [1, 50, 85, 100])
def test_a_fixed_quality_without_rate_control_makes_the_same_pictures(quality: int) -> None:
    """The picture is not measured for a rate control that has nothing to choose from; that changes no byte."""
    noise = numpy.random.default_rng(1)
    arrays = [noise.integers(0, 256, (72, 64), dtype=numpy.uint8) for _ in range(3)]
    encoder = Encoder(Channel("", codec="jpeg", quality=quality), "mjpeg", 64, 48, 30)
    ours: list[bytes] = []
    for number, array in enumerate(arrays, 1):
        picture = av.VideoFrame.from_ndarray(array, format="yuvj420p")
        ours += [unit.data for unit, _ in encoder.encode(picture, number)]
    ours += [unit.data for unit, _ in encoder.flush()]
    context: Any = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt, context.color_range = 64, 48, "yuv420p", 2
    context.colorspace, context.time_base, context.sample_aspect_ratio = 6, Fraction(1, 30), Fraction(1)
    context.qmin = context.qmax = max(1, round(31 - quality * 0.3))
    context.options = {"force_duplicated_matrix": "1", "huffman": "default", "slices": "1"}
    theirs: list[bytes] = []
    for number, array in enumerate(arrays):
        picture = av.VideoFrame.from_ndarray(array, format="yuv420p")
        picture.pts, picture.color_range, picture.colorspace = number, 2, 6
        theirs += [bytes(packet) for packet in context.encode(picture)]
    theirs += [bytes(packet) for packet in context.encode(None)]
    assert len(ours) == len(arrays)
    assert ours == theirs
