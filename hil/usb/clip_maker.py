# SPDX-License-Identifier: Apache-2.0
"""Makes the clips of a design with PyAV, once: test pictures whose bar codes show their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy

from ..streamer.colour import BT601, Colour
from ..streamer.converter import Converter
from ..streamer.sources import barcode
from ..streamer.sources.bars import TestPicture
from .clips import clip_folder, clip_name, missing_clips, write_clip
from .designs import Design

FPS = 30
ENCODED_PICTURES = {640: 150, 320: 150}  # by width; more of larger ones would take long to make
LARGE_PICTURES = 60
RAW_PICTURES, RAW_NUMBERS = 8, 300
GOP = 30  # divides the lengths, so that a clip may begin anew at its end
_SLICES, _SLICE_BYTES = 4, 120
_DHT, _START_OF_SCAN = 0xC4, 0xDA  # markers of JPEG
_JPEG = {"force_duplicated_matrix": "1", "huffman": "default"}  # the tables that a decoder assumes where there are none
_X265 = ":open-gop=0:log-level=none"
_BITS_PER_PIXEL = 0.2


def make_clips(design: Design, folder: Path | None = None, say: Callable[[str], None] = lambda text: None) -> Path:
    """Make those clips of a design that are missing. folder: by default clip_folder(). Returns it. Raises OSError."""
    folder = folder or clip_folder()
    for clip in missing_clips(folder, design.clips()):
        path = folder / clip_name(*clip)
        say(f"making {path.name}, once")
        _make(path, *clip)
    return folder


def _make(path: Path, kind: str, width: int, height: int) -> None:
    if kind in _RAW:
        write_clip(path, *_raw(kind, width, height))
        return
    count = ENCODED_PICTURES.get(width, LARGE_PICTURES)
    write_clip(path, _ENCODERS[kind](width, height, count))


def _drawn(width: int, height: int, count: int) -> Iterator[av.VideoFrame]:
    drawer = TestPicture(width, height)
    for number in range(count):
        picture = drawer.draw(number, number / FPS)
        picture.pts, picture.time_base = number, Fraction(1, FPS)
        yield picture


def _encoded(encoder: str, options: dict[str, str], width: int, height: int, count: int) -> Iterator[bytes]:
    context: Any = av.CodecContext.create(encoder, "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate, context.gop_size, context.max_b_frames = Fraction(1, FPS), FPS, GOP, 0
    context.bit_rate, context.options = round(width * height * FPS * _BITS_PER_PIXEL), options
    for picture in [*_drawn(width, height, count), None]:
        for packet in context.encode(picture):
            yield bytes(packet)


def _x26x(encoder: str, extra: str = "") -> Callable[[int, int, int], Iterator[bytes]]:
    gop = f"keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=0:repeat-headers=1{extra}"
    options = {"preset": "veryfast", "tune": "zerolatency", f"{encoder.removeprefix('lib')}-params": gop}
    return lambda width, height, count: _encoded(encoder, options, width, height, count)


def _jpegs(width: int, height: int, count: int) -> Iterator[bytes]:
    context: Any = av.CodecContext.create("mjpeg", "w")
    colour = Colour(True, BT601, 1, 1)
    context.width, context.height, context.pix_fmt = width, height, "yuv422p"
    context.color_range, context.colorspace = colour.range, colour.matrix
    context.time_base, context.qmin, context.qmax, context.options = Fraction(1, FPS), 4, 4, _JPEG
    context.sample_aspect_ratio = Fraction(1)  # FFmpeg writes the JFIF header only with an aspect ratio
    converter = Converter(width, height, "yuv422p")
    for number, picture in enumerate(_drawn(width, height, count)):
        converted = converter.convert(picture, colour)
        converted.pts, converted.time_base = number, Fraction(1, FPS)
        yield from map(bytes, context.encode(converted))


def without_tables(jpeg: bytes) -> bytes:
    """Return a JPEG picture without its Huffman tables, which AVI and the cameras of UVC leave out."""
    out, at = bytearray(jpeg[:2]), 2
    while jpeg[at + 1] != _START_OF_SCAN:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] != _DHT:
            out += jpeg[at:end]
        at = end
    return bytes(out + jpeg[at:])


_ENCODERS: dict[str, Callable[[int, int, int], Iterator[bytes]]] = {
    "MJPG": _jpegs,
    "MJPG-no-dht": lambda width, height, count: map(without_tables, _jpegs(width, height, count)),
    "H264": _x26x("libx264"),
    "H264-slices": _x26x("libx264", f":slices={_SLICES}:threads=1"),
    "H264-cut": _x26x("libx264", f":slice-max-size={_SLICE_BYTES}:threads=1"),
    "HEVC": _x26x("libx265", _X265),
    "HEVC-slices": _x26x("libx265", f"{_X265}:slices={_SLICES}"),
}


_RAW = {"YUYV": "yuyv422", "NV12": "nv12"}  # PyAV's names


def _raw(kind: str, width: int, height: int) -> tuple[list[bytes], list[bytes], int]:
    """Return (the pictures without the code's lines, a line of code for each number, how many lines the code has)."""
    lines, bytes_per_line = barcode.code_height(height), width * (2 if kind == "YUYV" else 1)
    bodies = []
    for picture in _drawn(width, height, RAW_PICTURES):
        bodies.append(picture.reformat(format=_RAW[kind]).to_ndarray().tobytes()[bytes_per_line * lines :])
    codes = []
    for number in range(RAW_NUMBERS):
        luma = numpy.zeros((height, width), numpy.uint8)
        barcode.draw(luma, number)
        line = luma[0]
        codes.append((numpy.stack([line, numpy.full_like(line, 128)], 1) if kind == "YUYV" else line).tobytes())
    return bodies, codes, lines
