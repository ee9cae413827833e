# SPDX-License-Identifier: Apache-2.0
"""Translates a V4L2 driver's colour description into the numbers of ITU-T H.273.

Sources: linux/videodev2.h (V4L2_MAP_XFER_FUNC_DEFAULT, V4L2_MAP_YCBCR_ENC_DEFAULT, V4L2_MAP_QUANTIZATION_DEFAULT) and
the kernel's "Detailed Colorspace Descriptions"; ITU-T H.273, tables 2 to 4. Values that are newer than this file count
as the default.
"""

from __future__ import annotations

from ..colour import BT601, BT709, BT2020, IDENTITY, UNTOLD, Colour
from .v4l2_queue import Colour as Told

# enum v4l2_colorspace
_SMPTE170M, _SMPTE240M, _REC709, _470M, _470BG, _JPEG, _SRGB, _OPRGB, _BT2020, _RAW, _DCI_P3 = 1, 2, 3, *range(5, 13)
_PRIMARIES = {
    _SMPTE170M: 6,
    _SMPTE240M: 7,
    _REC709: BT709,
    _470M: 4,
    _470BG: 5,
    _JPEG: BT709,
    _SRGB: BT709,
    _BT2020: BT2020,
    _DCI_P3: 11,
}  # opRGB has no number
# enum v4l2_xfer_func. That of opRGB has no number either.
_XFER_709, _XFER_SRGB, _XFER_OPRGB, _XFER_240M, _XFER_NONE, _XFER_DCI_P3, _XFER_2084 = range(1, 8)
_TRANSFERS = {_XFER_709: 1, _XFER_SRGB: 13, _XFER_240M: 7, _XFER_NONE: 8, _XFER_DCI_P3: 17, _XFER_2084: 16}
_DEFAULT_XFER = {
    _SMPTE240M: _XFER_240M,
    _JPEG: _XFER_SRGB,
    _SRGB: _XFER_SRGB,
    _OPRGB: _XFER_OPRGB,
    _RAW: _XFER_NONE,
    _DCI_P3: _XFER_DCI_P3,
}
# enum v4l2_ycbcr_encoding; xvYCC and sYCC have the matrices of what they extend.
_601, _709, _XV601, _XV709, _SYCC, _2020, _2020_CONSTANT, _240M = range(1, 9)
_MATRICES = {
    _601: BT601,
    _709: BT709,
    _XV601: BT601,
    _XV709: BT709,
    _SYCC: BT601,
    _2020: BT2020,
    _2020_CONSTANT: 10,
    _240M: 7,
}
_DEFAULT_ENCODING = {_REC709: _709, _DCI_P3: _709, _BT2020: _2020, _SMPTE240M: _240M}
_FULL, _LIMITED = 1, 2  # enum v4l2_quantization


def colour_of_format(told: Told, rgb: bool, grey: bool = False) -> Colour:
    """Return the description of raw pictures. rgb: R'G'B'; grey: without chroma; otherwise Y'CbCr."""
    space = told.colorspace if 1 <= told.colorspace <= _DCI_P3 else _SRGB
    # By the header, grey and raw data are limited range. But vivid's grey is always full range, FFmpeg and GStreamer
    # assume that, and so does libcamera for the values of an unprocessed sensor.
    full_range = rgb or grey or space in (_JPEG, _RAW)
    if told.quantization in (_FULL, _LIMITED):
        full_range = told.quantization == _FULL
    encoding = told.ycbcr_enc if told.ycbcr_enc in _MATRICES else _DEFAULT_ENCODING.get(space, _601)
    known = _TRANSFERS | {_XFER_OPRGB: UNTOLD}
    transfer = told.xfer_func if told.xfer_func in known else _DEFAULT_XFER.get(space, _XFER_709)
    matrix = IDENTITY if rgb else _MATRICES[encoding]
    return Colour(full_range, matrix, _PRIMARIES.get(space, UNTOLD), known[transfer])


def colour_of_jpeg(told: Told, decoded: Colour) -> Colour:
    """Return the description of a camera's decoded JPEG: JFIF's (full range, BT.601) or what the driver says."""
    colour = colour_of_format(told, decoded.matrix == IDENTITY)
    if told.quantization not in (_FULL, _LIMITED):
        colour = colour._replace(full_range=decoded.full_range)
    if told.ycbcr_enc not in _MATRICES:
        colour = colour._replace(matrix=decoded.matrix)
    return colour
