# SPDX-License-Identifier: Apache-2.0
"""Converts decoded pictures into arrays, with the colours that the stream says its pictures have."""

from __future__ import annotations

from typing import Any

from ..codec import Codec
from ..picture import PIXELS, PictureLayout, Range
from .arrays import Array, Payload, planes_of
from .packages import not_installed
from .turning import UPRIGHT, Signs, display_matrix, turned
from .turns import Turns

try:
    import av
    import numpy
except ModuleNotFoundError as error:
    raise not_installed(error) from None

_FORMATS = {"bgr24": "bgr24", "rgb24": "rgb24", "grey": "gray"}  # by their name here, PyAV's
# By matrix_coefficients of ITU-T H.273: swscale's number. It has no others.
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}
_UNKNOWN = (0, 2, 3)  # of a Y'CbCr picture: unspecified or reserved, or of R'G'B'
_BT709, _BT601 = 1, 5
_HD_WIDTH, _HD_HEIGHT = 1280, 577  # from this size on players take an unspecified matrix for BT.709
_LIMITED, _FULL = 1, 2  # FFmpeg's enum AVColorRange, in which 0 is unspecified
# Levels from 16 to 235 as levels from 0 to 255: swscale takes all grey and all R'G'B' for full range.
_EXPANDED = ((numpy.arange(256) - 16.0) * 255 / 219).round().clip(0, 255).astype(numpy.uint8)


class Converter:
    """Converts pictures of any size and pixel format into arrays of one format.

    A colour level is within 3 of the exact one. Pictures of high dynamic range are not mapped to a lower one.
    """

    def __init__(self, format: str) -> None:  # noqa: A002 - as numpy, PyAV and FFmpeg call it
        self._format = _FORMATS[format]
        self._reformatter: Any = av.video.reformatter.VideoReformatter()
        self._turns = Turns()

    def array(self, picture: av.VideoFrame, signs: Signs | None = None) -> Array:
        """Return the picture as an array that nobody else uses: height x width x 3, or height x width for grey.

        signs: how it is to be shown, as turned() takes them; None: as its display matrix says, if it has one.
        Raises ValueError if the picture's colour matrix is not supported.
        """
        grey = picture.format.name.startswith(("gray", "ya"))
        array = self._converted(picture, "gray" if grey else self._format)
        if _needs_expansion(picture, grey):
            array = _EXPANDED[array]
        if grey and self._format != "gray":
            array = numpy.repeat(array[:, :, None], 3, axis=2)
        signs = signs or display_matrix(picture) or UPRIGHT
        return array if signs == UPRIGHT else numpy.ascontiguousarray(turned(array, signs))

    def _converted(self, picture: Any, name: str) -> Array:
        rgb = picture.format.is_rgb or picture.format.has_palette
        # swscale weighs R'G'B' for grey by the matrix that is set; OpenCV and JPEG by that of BT.601.
        matrix = _BT601 if rgb else _matrix_of(picture)
        with self._turns.take():
            done = self._reformatter.reformat(
                picture,
                format=name,
                src_colorspace=matrix,
                dst_colorspace=matrix,
                dst_color_range=_FULL,
                threads=1,  # more would gain little: a picture of 1920 x 1080 takes less than a millisecond
            )
        array: Array = done.to_ndarray()
        return array.copy() if done is picture else array


def _needs_expansion(picture: Any, grey: bool) -> bool:
    """Return whether swscale leaves limited range as it is. Grey of H.264 and H.265 is limited if nothing is said."""
    told = int(picture.color_range)
    return (grey and told != _FULL) or (picture.format.is_rgb and told == _LIMITED)


def _matrix_of(picture: Any) -> int:
    matrix = int(picture.colorspace)
    if matrix in _MATRICES:
        return _MATRICES[matrix]
    if matrix in _UNKNOWN:
        return _BT709 if picture.width >= _HD_WIDTH or picture.height >= _HD_HEIGHT else _BT601
    raise ValueError(f"pictures of matrix {matrix} of ITU-T H.273 can't be converted")


def as_picture(layout: PictureLayout, data: Payload) -> av.VideoFrame:
    """Return a raw picture as PyAV's, with its colour description."""
    codec, colour = Codec(layout.codec), layout.colour
    picture = av.VideoFrame(layout.width, layout.height, PIXELS[codec])
    for plane, source in zip(picture.planes, planes_of(codec, layout, data), strict=True):
        rows, columns = source.shape[0], source[0].size
        target = numpy.frombuffer(memoryview(plane), numpy.uint8).reshape(-1, plane.line_size)
        target[:rows, :columns] = source.reshape(rows, columns)
    # Grey and R'G'B' of cameras and drawn pictures span everything, unless it is said that they do not.
    spans_all = colour.range == Range.UNKNOWN and codec in (Codec.GREY, Codec.RGB24, Codec.BGR24)
    picture.color_range = _FULL if spans_all else colour.range
    picture.colorspace = colour.matrix
    return picture
