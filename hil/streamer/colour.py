# SPDX-License-Identifier: Apache-2.0
"""The colour description of a picture: what the source says, and what the encoder should use.

Matrices, primaries and transfer functions have the numbers of ITU-T H.273, which H.264, H.265, FFmpeg and the
containers share.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import av

from vshm_ctypes import Codec

IDENTITY, BT709, UNTOLD, BT601, BT2020 = 0, 1, 2, 6, 9  # matrices; BT2020 also for primaries, IDENTITY: R'G'B'
_LIMITED, _FULL = 1, 2  # FFmpeg's enum AVColorRange, in which 0 is unspecified
# What a picture may declare beside BT709; libx264 and libx265 refuse reserved numbers. IDENTITY is not Y'CbCr.
_MATRICES, _PRIMARIES, _TRANSFERS = range(4, 15), range(4, 13), range(4, 19)
REMEMBERED = lru_cache(64)  # pictures come by the thousand, and their colours hardly ever change
HD_WIDTH, HD_HEIGHT = 1280, 577  # from this size on players take an unspecified matrix for BT.709, below it for BT.601


class Colour(NamedTuple):
    """A colour description. matrix, primaries and transfer are UNTOLD if unknown.

    full_range: luma from 0 to 255, else from 16 to 235 (chroma to 240).
    """

    full_range: bool = False
    matrix: int = UNTOLD
    primaries: int = UNTOLD
    transfer: int = UNTOLD

    @property
    def range(self) -> int:
        """The range as a value of FFmpeg's enum AVColorRange."""
        return _FULL if self.full_range else _LIMITED

    def put_on(self, picture: av.VideoFrame) -> av.VideoFrame:
        """Set this description on the picture, and return the picture."""
        picture.color_range, picture.colorspace = self.range, self.matrix
        picture.color_primaries, picture.color_trc = self.primaries, self.transfer
        return picture


def colour_of(picture: av.VideoFrame) -> Colour:
    """Return the colour description of a picture. Without a range, RGB, grey and FFmpeg's yuvj formats are full range.

    V4L2 defines grey as limited range, but those who produce and show it do not: vivid, FFmpeg and GStreamer among
    them.
    """
    form = picture.format
    told = (picture.color_range, picture.colorspace, picture.color_primaries, picture.color_trc)
    return _colour(form.name, form.is_rgb or form.has_palette, *map(int, told))


@REMEMBERED
def _colour(pixels: str, rgb: bool, limits: int, matrix: int, primaries: int, transfer: int) -> Colour:
    full = limits == _FULL
    if limits not in (_LIMITED, _FULL):
        full = rgb or pixels.startswith(("yuvj", "gray"))
    matrix = IDENTITY if rgb else _known(matrix, _MATRICES)
    return Colour(full, matrix, _known(primaries, _PRIMARIES), _known(transfer, _TRANSFERS))


def _known(number: int, numbers: range) -> int:
    return number if number == BT709 or number in numbers else UNTOLD


def guessed_matrix(width: int, height: int) -> int:
    """Return the matrix that players assume for a picture that does not declare one."""
    return BT709 if width >= HD_WIDTH or height >= HD_HEIGHT else BT601


@REMEMBERED
def colour_to_encode(source: Colour, codec: Codec, before: tuple[int, int], after: tuple[int, int]) -> Colour:
    """Return the colour description that the encoder gets and declares.

    before, after: width and height of the picture, and of what is encoded. H.264 and H.265 can declare every
    description, and keep it; RGB becomes limited-range Y'CbCr. JPEG can't: JFIF (ITU-T T.871, clause 7) is full range
    with the matrix of BT.601.
    """
    if codec == Codec.JPEG:
        return source._replace(full_range=True, matrix=BT601)
    if source.matrix == IDENTITY:
        return _described(source._replace(full_range=False, matrix=guessed_matrix(*after)), after)
    if source == Colour() and guessed_matrix(*before) == guessed_matrix(*after):
        return source  # players guess by size: scaling could change what they assume
    return _described(source, before)


def _described(colour: Colour, size: tuple[int, int]) -> Colour:
    """Return the description with all unknown parts as players assume them.

    GStreamer 1.22 ignores the range of a partial one.
    """
    matrix = guessed_matrix(*size) if colour.matrix == UNTOLD else colour.matrix
    primaries = BT2020 if matrix == BT2020 else BT709
    return Colour(
        colour.full_range,
        matrix,
        primaries if colour.primaries == UNTOLD else colour.primaries,
        BT709 if colour.transfer == UNTOLD else colour.transfer,
    )
