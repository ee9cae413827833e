# SPDX-License-Identifier: Apache-2.0
"""Encodes streams for tests: small pictures with a brightness that tells their number, and noise in many shapes."""

import functools
from fractions import Fraction
from typing import Any

import av
import numpy

from vshm_ctypes import Codec

WIDTH, HEIGHT, FPS, GOP = 64, 48, 25, 10


def brightness(number: int) -> int:
    """Return the brightness of a picture by its number modulo 20; the steps survive the encoder."""
    return 20 + number % 20 * 10


def picture(number: int) -> av.VideoFrame:
    picture = numpy.full((HEIGHT * 3 // 2, WIDTH), 128, numpy.uint8)
    picture[:HEIGHT] = brightness(number)
    frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
    frame.pts = number
    return frame


@functools.cache
def access_units(count: int) -> list[tuple[bytes, bool]]:
    """Return (bytes, whether it is a keyframe) of each picture; every keyframe has parameter sets."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.gop_size = GOP
    encoder.options = {"tune": "zerolatency", "x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0:annexb=1"}
    packets = []
    for number in range(count):
        packets += encoder.encode(picture(number))
    packets += encoder.encode(None)
    return [(bytes(packet), packet.is_keyframe) for packet in packets]


# Of each codec but H.264: encoder, format of its pictures, options.
_OTHERS = {
    Codec.JPEG: ("mjpeg", "yuvj420p", {}),
    Codec.H265: (
        "libx265",
        "yuv420p",
        {"tune": "zerolatency", "x265-params": f"keyint={GOP}:repeat-headers=1:log-level=0"},
    ),
}


def stream(codec: Codec, count: int) -> list[tuple[bytes, bool]]:
    """Return the same pictures in any codec."""
    if codec == Codec.H264:
        return access_units(count)
    name, pixels, options = _OTHERS[codec]
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, pixels
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.options = options
    packets = []
    for number in range(count):
        frame = picture(number).reformat(format=pixels)
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return [(bytes(packet), packet.is_keyframe) for packet in packets]


def decoded(path: str, cut: bool = False) -> list[tuple[float, int]]:
    """Return (time in seconds, number modulo 20) of each picture in a file. cut: its last picture may be cut off."""
    with av.open(path) as container:
        pictures = []
        try:
            for frame in container.decode(video=0):
                level = float(frame.to_ndarray(format="yuv420p")[:HEIGHT].mean())
                pictures.append((frame.time or 0.0, round((level - brightness(0)) / 10)))
        except av.error.InvalidDataError:
            if not cut:
                raise
        return pictures


UNITS, UNIT_GOP = 24, 8
ENCODERS = {Codec.H264: ("libx264", "x264-params"), Codec.H265: ("libx265", "x265-params")}
PARSERS = {Codec.H264: "h264", Codec.H265: "hevc"}
VARIANTS = {
    "plain": "",
    "slices": ":slices=4",
    "delimiters": ":aud=1",
    "repeated headers": ":repeat-headers=1",
}


@functools.cache
def encoded(codec: Codec, variant: str) -> tuple[tuple[bytes, bool], ...]:
    """Return (access unit, whether the encoder calls it a keyframe) of each picture."""
    name, option = ENCODERS[codec]
    encoder: Any = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt = 128, 96, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.gop_size = Fraction(1, 25), Fraction(25), UNIT_GOP
    own = f"keyint={UNIT_GOP}:min-keyint={UNIT_GOP}:scenecut=0:bframes=0:annexb=1:log-level=none"
    encoder.options = {"tune": "zerolatency", option: own + VARIANTS[variant]}
    packets = []
    chance = numpy.random.default_rng(1)
    for number in range(UNITS):
        frame = av.VideoFrame.from_ndarray(chance.integers(0, 255, (144, 128), numpy.uint8), format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return tuple((bytes(packet), packet.is_keyframe) for packet in packets)
