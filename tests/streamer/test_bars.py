# SPDX-License-Identifier: Apache-2.0
"""The picture of testsrc: its colours as players show them, its number from every codec, digits, clock, what moves."""

import time
from fractions import Fraction
from typing import Any

import av
import numpy
import pytest
from colour_judges import by_ffmpeg
from streamers import streaming, take
from writers import ROOT

from hil.streamer.colour import BT601, BT709
from hil.streamer.sources import barcode, bars
from hil.streamer.sources.bars import BARS, TestPicture
from vshm_ctypes import Codec, Consumer

SIZES = [(160, 32), (160, 120), (176, 144), (320, 240), (640, 360), (1280, 720), (1920, 1080), (240, 426), (1080, 1920)]
ENCODERS = {"libx264": "h264", "libx265": "hevc", "mjpeg": "mjpeg"}
OFF = 6  # levels of 255 that an encoder may be off in the middle of a bar


def luma_of(frame: av.VideoFrame) -> Any:
    return frame.reformat(format="yuv420p").to_ndarray()[: frame.height]


def encoded(frames: list[av.VideoFrame], encoder: str) -> list[av.VideoFrame]:
    """Return what a decoder makes of the pictures after strong compression."""
    pixels = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
    context: Any = av.CodecContext.create(encoder, "w")
    context.width, context.height, context.pix_fmt = frames[0].width, frames[0].height, pixels
    context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
    context.options = {"preset": "ultrafast", "crf": "40"} if encoder != "mjpeg" else {}
    packets: list[Any] = []
    for number, frame in enumerate(frames):
        frame = frame.reformat(format=pixels)
        frame.pts = number
        packets += context.encode(frame)
    packets += context.encode(None)
    decoder: Any = av.CodecContext.create(ENCODERS[encoder], "r")
    decoder.extradata = context.extradata
    return [frame for packet in packets for frame in decoder.decode(packet)] + list(decoder.decode(None))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_its_number_is_read_from_every_codec_and_size(encoder: str) -> None:
    for size in SIZES:
        picture = TestPicture(*size)
        numbers = [0, 1, 2**31 + 7]
        shown = encoded([picture.draw(number, number / 30) for number in numbers], encoder)
        assert [barcode.read(luma_of(frame)) for frame in shown] == numbers, size


@pytest.mark.parametrize("size", [(640, 360), (1280, 720)])
@pytest.mark.parametrize("codec", ["h264", "h265", "jpeg"])
def test_players_show_the_colours_that_were_meant(ring: str, size: tuple[int, int], codec: str) -> None:
    width, height = size
    words = ["--device", f"testsrc:{width}x{height}@10", "--channel", f"{ring}:codec={codec},quality=90"]
    with streaming(ring, *words), Consumer(ring, start="keyframe") as stream:
        (frame,) = take(stream, 1)
    shown = by_ffmpeg(frame.data, Codec(frame.codec), width, height)[0]
    line = shown[height // 8 + 8].astype(int)  # between the bar code and the square
    middles = [(2 * at + 1) * width // (2 * len(BARS)) for at in range(len(BARS))]
    assert numpy.abs(line[middles] - BARS * 255).max() <= OFF
    ramp = numpy.argwhere((shown == shown[..., :1]).all(axis=(1, 2)))  # no colour there
    assert len(ramp)


@pytest.mark.parametrize("size", SIZES)
def test_number_and_clock_can_be_read_at_every_size(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(time, "time", lambda: 86_399.875)
    picture = TestPicture(*size)
    luma = luma_of(picture.draw(10_000_042, 0.0)) > 128
    cell = picture._digits
    wide, high = 4 * cell, 6 * cell
    known = {letter: picture._letters[at] > 128 for at, letter in enumerate("0123456789:.")}
    assert len({shape.tobytes() for shape in known.values()}) == len(known)

    def line(top: int, letters: int) -> str:
        found = ""
        for at in range(letters):
            shape = luma[top : top + high, cell + at * wide : cell + (at + 1) * wide]
            found += "".join(letter for letter, one in known.items() if numpy.array_equal(shape, one))
        return found

    top = picture._text
    assert line(top, bars.NUMBER) == "0000042"  # of its last seven digits
    assert line(top + high, bars.CLOCK) == "23:59:59.875"


@pytest.mark.parametrize("size", SIZES)
def test_there_is_room_between_the_bar_that_fills_and_the_number(size: tuple[int, int]) -> None:
    picture = TestPicture(*size)
    bright = (luma_of(picture.draw(8_888_888, 0.99))[picture._panel : picture._text + 1] > 128).any(axis=1)
    assert bright[0]
    assert bright[-1]
    assert (~bright).sum() >= picture._digits


def test_a_square_moves_and_a_bar_fills_with_each_second() -> None:
    picture = TestPicture(640, 360)

    def left(number: int) -> int:
        line = picture._top + picture._side + 2
        changed = luma_of(picture.draw(number, 0.0))[line] != picture._background[0][line]
        return int(changed.argmax())

    assert [left(number) for number in range(4)] == [0, 4, 8, 12]
    for share in (0.0, 0.25, 0.75):
        line = luma_of(picture.draw(0, 7 + share))[picture._panel]
        assert (line > 128).sum() == 640 * share


def test_the_bars_are_those_of_either_matrix() -> None:
    """By ITU-R BT.709 and BT.601, 75 % bars are known numbers."""
    assert bars.ycbcr(BARS, BT709)[1:4].tolist() == [[168, 44, 136], [145, 147, 44], [133, 63, 52]]
    assert bars.ycbcr(BARS, BT601)[1:4].tolist() == [[162, 44, 142], [131, 156, 44], [112, 72, 58]]


def test_the_command_that_measures_its_cost_knows_what_costs_more() -> None:
    from runpy import run_path

    interval = run_path(str(ROOT / "tests" / "bench" / "picture.py"))["interval"]
    ratio, low, high = interval([0.1, 0.11, 0.12, 0.09])
    assert 1 < low < ratio < high
    _, low, high = interval([0.1, -0.1, 0.05, -0.05])
    assert low < 1 < high
