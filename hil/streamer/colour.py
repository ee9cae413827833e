# SPDX-License-Identifier: Apache-2.0
"""What the numbers of a picture mean as colours, and what an encoder is to make of them.

The numbers are those of ITU-T H.273, which H.264, H.265, FFmpeg and the containers share.
"""

from __future__ import annotations

from typing import NamedTuple

import av

from vshm_ctypes import Codec

IDENTITY, BT709, UNTOLD, BT601, BT2020 = 0, 1, 2, 6, 9  # matrices, but BT2020 primaries too; IDENTITY: R'G'B' itself
_LIMITED, _FULL = 1, 2  # FFmpeg's enum AVColorRange; 0 is not told
# What a picture may say beside BT709; libx264 and libx265 refuse reserved numbers. IDENTITY is none of Y'CbCr's.
_MATRICES, _PRIMARIES, _TRANSFERS = range(4, 15), range(4, 13), range(4, 19)
HD_WIDTH, HD_HEIGHT = 1280, 577  # from here on players take an untold matrix for that of BT.709, below for BT.601


class Colour(NamedTuple):
    """full_range: 0 to 255, else 16 to 235 (chroma 240). matrix, primaries, transfer: UNTOLD where nobody knows."""

    full_range: bool = False
    matrix: int = UNTOLD
    primaries: int = UNTOLD
    transfer: int = UNTOLD

    @property
    def range(self) -> int:
        """As FFmpeg numbers it."""
        return _FULL if self.full_range else _LIMITED

    def put_on(self, picture: av.VideoFrame) -> av.VideoFrame:
        """The same picture, which says so from now on."""
        picture.color_range, picture.colorspace = self.range, self.matrix
        picture.color_primaries, picture.color_trc = self.primaries, self.transfer
        return picture


def is_rgb(picture: av.VideoFrame) -> bool:
    """Whether its numbers are R'G'B', of themselves or by a palette."""
    return picture.format.is_rgb or picture.format.has_palette


def colour_of(picture: av.VideoFrame) -> Colour:
    """What the picture says. Where it does not: RGB, grey and FFmpeg's yuvj formats have full range, others limited.

    V4L2 has grey limited, but those who make it and show it do not: vivid, FFmpeg and GStreamer among them.
    """
    rgb = is_rgb(picture)
    full = int(picture.color_range) == _FULL
    if int(picture.color_range) not in (_LIMITED, _FULL):
        full = rgb or picture.format.name.startswith(("yuvj", "gray"))
    matrix = IDENTITY if rgb else _known(int(picture.colorspace), _MATRICES)
    primaries = _known(int(picture.color_primaries), _PRIMARIES)
    return Colour(full, matrix, primaries, _known(int(picture.color_trc), _TRANSFERS))


def _known(number: int, numbers: range) -> int:
    return number if number == BT709 or number in numbers else UNTOLD


def guessed_matrix(width: int, height: int) -> int:
    """What players take an untold one for."""
    return BT709 if width >= HD_WIDTH or height >= HD_HEIGHT else BT601


def colour_to_encode(source: Colour, codec: Codec, before: tuple[int, int], after: tuple[int, int]) -> Colour:
    """What the encoder is given, and says. before, after: width and height of the picture, and of what is encoded.

    H.264 and H.265 can say everything, and keep it; RGB becomes Y'CbCr of limited range. JPEG can't: JFIF (ITU-T T.871,
    clause 7) is full range by the matrix of BT.601.
    """
    if codec == Codec.JPEG:
        return source._replace(full_range=True, matrix=BT601)
    if source.matrix == IDENTITY:
        return _described(source._replace(full_range=False, matrix=guessed_matrix(*after)), after)
    if source == Colour() and guessed_matrix(*before) == guessed_matrix(*after):
        return source  # else scaling would change the players' mind
    return _described(source, before)


def _described(colour: Colour, size: tuple[int, int]) -> Colour:
    """With all that it leaves untold as players take it. GStreamer 1.22 overlooks the range of a half description."""
    matrix = guessed_matrix(*size) if colour.matrix == UNTOLD else colour.matrix
    primaries = BT2020 if matrix == BT2020 else BT709
    return Colour(
        colour.full_range,
        matrix,
        primaries if colour.primaries == UNTOLD else colour.primaries,
        BT709 if colour.transfer == UNTOLD else colour.transfer,
    )
