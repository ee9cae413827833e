# SPDX-License-Identifier: Apache-2.0
"""What a raw picture in a ring shows, computed from its layout alone."""

from typing import Any

import numpy
from numpy.typing import NDArray

from hil.streamer.colour import Colour
from hil.suite.patches import rgb_of
from vshm_ctypes import Codec, PictureLayout, Range

BYTES: dict[int, int] = {Codec.RGB24: 3, Codec.BGR24: 3, Codec.YUYV: 2, Codec.NV12: 1, Codec.I420: 1, Codec.GREY: 1}


def planes_of(data: Any, layout: PictureLayout) -> list[NDArray[numpy.uint8]]:
    """Return each plane as bytes of shape (rows, bytes of a row), without padding."""
    whole = numpy.frombuffer(data, numpy.uint8)
    even = layout.width + layout.width % 2
    found = []
    for number, (offset, stride, rows) in enumerate(layout.planes):
        lines = whole[offset : offset + stride * rows].reshape(rows, stride)
        pixels = even if layout.codec == Codec.YUYV or number else layout.width
        found.append(lines[:, : even // 2 if number and layout.codec == Codec.I420 else pixels * BYTES[layout.codec]])
    return found


def levels_of(data: Any, layout: PictureLayout) -> NDArray[numpy.uint8]:
    """Return the levels of shape (rows, pixels, 3): R'G'B', or Y'CbCr, whose chroma is repeated."""
    planes, (width, height) = planes_of(data, layout), (layout.width, layout.height)
    if layout.codec in (Codec.RGB24, Codec.BGR24):
        return planes[0].reshape(height, width, 3)[..., :: 1 if layout.codec == Codec.RGB24 else -1]
    found = numpy.full((height, width, 3), 128, numpy.uint8)
    if layout.codec == Codec.YUYV:
        pairs = planes[0].reshape(height, -1, 4)
        found[..., 0] = pairs[..., ::2].reshape(height, -1)[:, :width]
        for at in (1, 2):
            found[..., at] = pairs[..., 2 * at - 1].repeat(2, axis=1)[:, :width]
        return found
    found[..., 0] = planes[0][:, :width]
    chroma = planes[1:]
    if layout.codec == Codec.NV12:
        chroma = [planes[1][:, 0::2], planes[1][:, 1::2]]
    for at, plane in enumerate(chroma, 1):
        found[..., at] = plane.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    return found


def colour_told(layout: PictureLayout) -> Colour:
    """Return the colours that the layout tells."""
    assert layout.colour.range in (Range.LIMITED, Range.FULL)
    full = layout.colour.range == Range.FULL
    return Colour(full, layout.colour.matrix, layout.colour.primaries, layout.colour.transfer)


def shown(data: Any, layout: PictureLayout) -> NDArray[Any]:
    """Return the R'G'B' of shape (rows, pixels, 3) that a raw picture stands for."""
    levels = levels_of(data, layout)
    if layout.codec not in (Codec.RGB24, Codec.BGR24):
        return rgb_of(levels.astype(float), colour_told(layout))
    if layout.colour.range == Range.LIMITED:
        return ((levels.astype(float) - 16) * 255 / 219).clip(0, 255)
    return levels.astype(float)
