# SPDX-License-Identifier: Apache-2.0
"""Converts pictures to the size, pixel format and colours that an encoder takes, by FFmpeg's filters."""

from __future__ import annotations

from typing import Any

import av

from .colour import IDENTITY, REMEMBERED, UNTOLD, Colour, colour_of, guessed_matrix
from .rescaler import Rescaler

# The names that FFmpeg's filter "colorspace" has for the matrices of ITU-T H.273 that it supports.
_MATRICES = {1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc"}
_RANGES = {False: "tv", True: "pc"}


class Converter:
    """Converts pictures for one encoder. width, height: pixels. pixels: PyAV's name of a planar Y'CbCr format.

    alone: nobody else has these pictures, so that one that fits may be returned as it is, and be modified. reuses: what
    is returned need be good until the next call only.
    """

    def __init__(self, width: int, height: int, pixels: str, alone: bool = False, reuses: bool = False) -> None:
        self._width, self._height, self._pixels = width, height, pixels
        self._alone = alone
        self._rescaler = Rescaler(width, height, pixels) if reuses else None
        self._shape: tuple[Any, ...] = ()
        self._graph: Any = None

    def convert(self, picture: av.VideoFrame, target: Colour, source: Colour | None = None) -> av.VideoFrame:
        """Return the converted picture, which may share memory with the given one.

        source: its colours, if they were asked for already. Raises av.FFmpegError or ValueError.
        """
        source = source or colour_of(picture)
        width, height = picture.width, picture.height
        fits = (width, height, picture.format.name) == (self._width, self._height, self._pixels)
        if _keeps_colours(width, height, source, target):
            if fits and self._alone:
                return target.put_on(picture)
            if not fits and self._rescaler is not None and self._rescaler.suits(picture):
                return target.put_on(self._rescaler.scale(picture))
        said = f"colorspace={source.matrix}:range={int(picture.color_range)}"
        shape = (picture.format.name, picture.width, picture.height, said, source, target)
        if shape != self._shape:
            size = f"video_size={picture.width}x{picture.height}"
            buffer = f"{size}:pix_fmt={picture.format.name}:time_base=1/1000000000:{said}"
            self._graph, self._shape = _graph([("buffer", buffer), *self._steps(picture, source, target)]), shape
        self._graph.vpush(picture)
        return target.put_on(self._graph.vpull())

    def _steps(self, picture: av.VideoFrame, source: Colour, target: Colour) -> list[tuple[str, str]]:
        size = f"{self._width}:{self._height}:flags=bilinear"
        if source.matrix == IDENTITY:
            # Without accurate_rnd, swscale has a faster path for BGR that is off by several levels.
            scale = f"{size}+accurate_rnd:out_range={target.range}:out_color_matrix={target.matrix}"
            expanded = [] if source.full_range else [_EXPAND, ("setparams", "range=full")]
            return [_UNTOLD, *_widened(picture.format), *expanded, ("scale", scale), ("format", self._pixels)]
        # swscale always takes these formats for full range, so they stay as they are if the result is full range as
        # well.
        always_full = picture.format.name.startswith(("gray", "yuvj"))
        kept = Colour(source.full_range or always_full).range
        steps = [
            _UNTOLD,
            ("setparams", f"range={kept}:colorspace={_KEPT}"),  # swscale would refuse matrices that it does not know
            ("scale", f"{size}:out_range={kept}:out_color_matrix={_KEPT}"),
            ("format", self._pixels),
        ]
        return steps + self._recolour(source, target, guessed_matrix(picture.width, picture.height))

    def _recolour(self, source: Colour, target: Colour, guessed: int) -> list[tuple[str, str]]:
        """Return the filters that change matrix and range.

        swscale would convert through 8-bit RGB: slower, and off by 4 levels.
        """
        before, after = (guessed if matrix == UNTOLD else matrix for matrix in (source.matrix, target.matrix))
        if (before, source.full_range) == (after, target.full_range):
            return []
        for matrix in (before, after):
            if matrix not in _MATRICES:
                raise ValueError(f"pictures of matrix {matrix} of ITU-T H.273 can't be converted to another one")
        words = f"ispace={_MATRICES[before]}:space={_MATRICES[after]}"
        words += f":irange={_RANGES[source.full_range]}:range={_RANGES[target.full_range]}"
        # The filter requires primaries and transfer; they are not changed.
        words += ":iprimaries=bt709:primaries=bt709:itrc=bt709:trc=bt709:fast=1"
        if self._width % 2 == 0 and self._height % 2 == 0:
            return [("colorspace", words)]
        # The filter supports even sizes only; padding is lossless in a format with full-resolution chroma.
        return [
            ("format", "yuv444p"),
            ("pad", f"{self._width + 1 & ~1}:{self._height + 1 & ~1}"),
            ("colorspace", words),
            ("crop", f"{self._width}:{self._height}:0:0"),
            ("scale", f"out_range={target.range}:out_color_matrix={_KEPT}"),
            ("format", self._pixels),
        ]


class Widener:
    """Prepares R'G'B' that swscale converts wrongly: of 5 or 6 bits, or limited range. It leaves other pictures."""

    def __init__(self) -> None:
        self._graph: Any = None

    def prepare(self, picture: av.VideoFrame, source: Colour, kept: bool) -> str:
        """Prepare for pictures like this one, and return the pixel format that widened() gives. Raises ValueError.

        source: its colours. kept: they stay as they are, so that a limited range stays limited.
        """
        steps = _widened(picture.format) if source.matrix == IDENTITY else []
        if source.matrix == IDENTITY and not source.full_range and not kept:
            steps += [_EXPAND, ("setparams", "range=full")]
        self._graph = None
        if not steps:
            return picture.format.name
        size = f"video_size={picture.width}x{picture.height}"
        buffer = f"{size}:pix_fmt={picture.format.name}:time_base=1/1000000000"
        self._graph = _graph([("buffer", buffer), *steps, ("format", "rgb24")])
        return "rgb24"

    def widened(self, picture: av.VideoFrame) -> av.VideoFrame:
        """Return the picture in that format."""
        if self._graph is None:
            return picture
        self._graph.vpush(picture)
        widened: av.VideoFrame = self._graph.vpull()
        return widened


@REMEMBERED
def _keeps_colours(width: int, height: int, source: Colour, target: Colour) -> bool:
    guessed = guessed_matrix(width, height)
    before, after = (guessed if colour.matrix == UNTOLD else colour.matrix for colour in (source, target))
    return (before, source.full_range) == (after, target.full_range)


_KEPT = 6  # any matrix that swscale knows, the same before and after
_EXPAND = ("lutrgb", ":".join(f"{name}=(val-16)*255/219+0.5" for name in "rgb"))  # swscale takes all RGB for full range
_UNTOLD = ("setparams", f"color_primaries={UNTOLD}:color_trc={UNTOLD}")  # swscale refuses some


def _widened(form: Any) -> list[tuple[str, str]]:
    """Return the filters that expand RGB of 5 and 6 bits to 8 bits.

    swscale's direct conversion to Y'CbCr turns white to grey, and that of big-endian formats to RGB takes the bytes in
    the wrong order.
    """
    if not any(4 < component.bits < 8 for component in form.components):
        return []
    return [("format", form.name.replace("be", "le")), ("format", "rgb24")]


def _graph(steps: list[tuple[str, str]]) -> Any:
    graph: Any = av.filter.Graph()
    graph.link_nodes(*(graph.add(name, words) for name, words in steps), graph.add("buffersink"))
    graph.configure()
    return graph
