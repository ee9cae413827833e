# SPDX-License-Identifier: Apache-2.0
"""A picture of grey and colour patches in any pixel format, range and matrix, and its verification by own arithmetic.

The matrices are those of ITU-T H.273 (2021), table 4; 8-bit levels as in its equations 20 to 31.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import av
import numpy
from numpy.typing import NDArray

from ..streamer.colour import BT601, BT709, BT2020, IDENTITY, UNTOLD, Colour, colour_of

RGB = tuple[int, int, int]
SIDE = 32  # pixels of a patch; only its middle is compared, where neither codec nor subsampling mixes two patches
COLUMNS = 4
PATCHES: tuple[RGB, ...] = (
    *((level, level, level) for level in (0, 16, 64, 128, 192, 235, 255)),
    *((191, 0, 0), (0, 191, 0), (0, 0, 191), (191, 191, 0), (0, 191, 191), (191, 0, 191)),
    *((224, 172, 105), (40, 90, 60), (120, 130, 200)),
)
WIDTH, HEIGHT = COLUMNS * SIDE, len(PATCHES) // COLUMNS * SIDE
# KR and KB by number; 5 is BT.601 too.
_LUMA = {
    BT709: (0.2126, 0.0722),
    4: (0.3, 0.11),
    5: (0.299, 0.114),
    BT601: (0.299, 0.114),
    7: (0.212, 0.087),
    BT2020: (0.2627, 0.0593),
}
# Of two pixels, as (pixel, component) in byte order.
_PACKED = {
    "yuyv422": ((0, 0), (0, 1), (1, 0), (0, 2)),
    "uyvy422": ((0, 1), (0, 0), (0, 2), (1, 0)),
    "yvyu422": ((0, 0), (0, 2), (1, 0), (0, 1)),
}


def _matrix(matrix: int) -> NDArray[Any]:
    """Return the matrix from R'G'B' of 0 to 1 to Y' of 0 to 1 and Cb, Cr of -0.5 to 0.5. If unknown, it is BT.601."""
    red, blue = _LUMA[BT601 if matrix in (UNTOLD, IDENTITY) else matrix]
    luma = numpy.array([red, 1 - red - blue, blue])
    return numpy.array([luma, ([0, 0, 1] - luma) / (2 - 2 * blue), ([1, 0, 0] - luma) / (2 - 2 * red)])


def _scale(full_range: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the factors of Y', Cb and Cr, and their offsets."""
    return (
        (numpy.array([255.0, 255, 255]), numpy.array([0.0, 128, 128]))
        if full_range
        else (numpy.array([219.0, 224, 224]), numpy.array([16.0, 128, 128]))
    )


def ycbcr_of(rgb: NDArray[Any], colour: Colour) -> NDArray[Any]:
    """Convert levels of R'G'B' (last axis) into levels of Y'CbCr, not rounded."""
    factor, offset = _scale(colour.full_range)
    ycbcr: NDArray[Any] = rgb / 255 @ _matrix(colour.matrix).T * factor + offset
    return ycbcr


def rgb_of(ycbcr: NDArray[Any], colour: Colour) -> NDArray[Any]:
    """Convert levels of Y'CbCr (last axis) into levels of R'G'B', not rounded, but limited to 0 and 255."""
    factor, offset = _scale(colour.full_range)
    rgb: NDArray[Any] = (ycbcr - offset) / factor @ numpy.linalg.inv(_matrix(colour.matrix)).T * 255
    return rgb.clip(0, 255)


def picture(pixels: str, colour: Colour, patches: Sequence[RGB] = PATCHES) -> av.VideoFrame:
    """Return the patches in PyAV's pixel format of that name: packed and planar Y'CbCr of 8 bits and more, gray, RGB.

    The picture declares its colour description. Range and matrix do not apply to RGB.
    """
    rgb = numpy.array(patches, float).reshape(-1, COLUMNS, 3).repeat(SIDE, axis=0).repeat(SIDE, axis=1)
    height, width = rgb.shape[:2]
    if av.VideoFormat(pixels, width, height).is_rgb:
        order = -1 if pixels == "bgr24" else 1
        return av.VideoFrame.from_ndarray(numpy.ascontiguousarray(rgb[..., ::order].astype(numpy.uint8)), pixels)
    frame = av.VideoFrame(width, height, pixels)
    _fill(frame, ycbcr_of(rgb, colour))
    return colour.put_on(frame)


def shown(picture: av.VideoFrame) -> NDArray[Any]:
    """Return R'G'B' of shape (lines, pixels, 3) from a planar 8-bit picture, by the description that it declares."""
    form, (width, height) = picture.format, (picture.width, picture.height)
    assert form.is_planar or form.name == "gray", form.name
    levels = numpy.full((height, width, 3), 128.0)
    for component, plane in enumerate(picture.planes):
        lines = numpy.frombuffer(bytes(plane), numpy.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        across, down = -(-width // plane.width), -(-height // plane.height)
        levels[..., component] = lines.repeat(down, axis=0).repeat(across, axis=1)[:height, :width]
    return rgb_of(levels, colour_of(picture))


def deviation(rgb: NDArray[Any], pixels: str = "yuv420p", patches: Sequence[RGB] = PATCHES) -> float:
    """Return the largest difference, in levels, between the middle of a patch and the original.

    rgb: of shape (lines, pixels, 3). pixels: the format of the original; gray has no colour.
    """
    quarter = SIDE // 4
    tiles = rgb.astype(float).reshape(-1, SIDE, COLUMNS, SIDE, 3)[:, quarter:-quarter, :, quarter:-quarter]
    meant = numpy.array(patches, float)
    if pixels.startswith("gray"):
        meant = (meant @ _matrix(BT601)[0])[:, None].repeat(3, axis=1)
    return float(numpy.abs(tiles.mean(axis=(1, 3)).reshape(-1, 3) - meant).max())


def _fill(frame: av.VideoFrame, ycbcr: NDArray[Any]) -> None:
    """Write every component where the format has it."""
    name, planes = frame.format.name, frame.planes
    if name in _PACKED:
        pairs = ycbcr.reshape(frame.height, -1, 2, 3)
        _put(planes[0], numpy.stack([pairs[..., pixel, component] for pixel, component in _PACKED[name]], axis=-1), 8)
        return
    bits = frame.format.components[0].bits
    _put(planes[0], ycbcr[..., 0], bits)
    for number, plane in enumerate(planes[1:], 1):
        chroma = ycbcr[:: frame.height // plane.height, :: frame.width // plane.width]
        _put(plane, chroma[..., 1:] if len(planes) == 2 else chroma[..., number], bits)


def _put(plane: Any, levels: NDArray[Any], bits: int) -> None:
    values = (levels * 2 ** (bits - 8)).round().clip(0, 2**bits - 1).astype(numpy.uint8 if bits == 8 else numpy.uint16)
    used = numpy.ascontiguousarray(values.reshape(levels.shape[0], -1)).view(numpy.uint8)
    lines = numpy.zeros((levels.shape[0], plane.line_size), numpy.uint8)
    lines[:, : used.shape[1]] = used
    plane.update(lines)
