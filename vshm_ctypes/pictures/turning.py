# SPDX-License-Identifier: Apache-2.0
"""Turns pictures upright, as far as the stream says how they are to be shown."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .arrays import Array

Signs = tuple[int, int, int, int]
# The signs of a display matrix (ISO/IEC 14496-12, 6.2.2): a, b, c, d of x' = a x + c y, y' = b x + d y.
UPRIGHT: Signs = (1, 0, 0, 1)
_QUARTERS: dict[int, Signs] = {0: UPRIGHT, 90: (0, -1, 1, 0), -90: (0, 1, -1, 0), 180: (-1, 0, 0, -1)}
_QUARTERS[-180] = _QUARTERS[180]
# By Exif orientation, which says on which sides row 0 and column 0 are seen.
EXIF: dict[int, Signs] = dict(enumerate(((1, 0, 0, 1), (-1, 0, 0, 1), (-1, 0, 0, -1), (1, 0, 0, -1)), 1))
EXIF |= dict(enumerate(((0, 1, 1, 0), (0, 1, -1, 0), (0, -1, -1, 0), (0, -1, 1, 0)), 5))

_INTRA = 1  # of FFmpeg's enum AVPictureType


def display_matrix(picture: Any) -> Signs | None:
    """Return the signs of a decoded picture's display matrix, upright if it has none, or None for odd angles.

    picture: PyAV's.
    """
    from av.sidedata.sidedata import SideDataContainer  # raw pictures are read without PyAV

    try:
        # picture.side_data would be kept by the picture that it refers to, and both stay in memory until Python's
        # garbage collector comes along: a hundred pictures and more.
        beside = SideDataContainer(picture)  # type: ignore[call-arg]  # its stub has no constructor
        if not len(beside):
            return UPRIGHT
        a, b, _, c, d = struct.unpack_from("=5i", bytes(beside["DISPLAYMATRIX"]))
    except (KeyError, ValueError):  # it has none, or also side data that PyAV 18.1.0 does not know, such as Exif
        return _QUARTERS.get(picture.rotation)
    units = [round(value / 65536) for value in (a, b, c, d)]
    signs = tuple((unit > 0) - (unit < 0) for unit in units)
    return signs if signs in EXIF.values() else None


class Orientation:
    """How the pictures of a stream of H.264 are to be shown, which are given to it in output order.

    FFmpeg tells it of those pictures only that carry the message, usually the keyframes, though it holds until the
    coded video sequence ends. Of H.265, and of what a container says, it tells it of every picture.
    """

    def __init__(self) -> None:
        self._held: Signs | None = UPRIGHT

    def of(self, picture: Any) -> Signs | None:
        """Return the signs of a picture's display matrix, its own or that of those before; None for odd angles."""
        told = display_matrix(picture)
        begins = picture.key_frame and picture.pict_type == _INTRA  # and not amid an intra refresh
        if told != UPRIGHT or begins:
            self._held = told
        return self._held


def turned(array: Array, signs: Signs) -> Array:
    """Return an array of height x width with its lines and columns as they are shown."""
    a, b, c, d = signs
    if a == 0:  # columns become lines
        array, a, d = array.swapaxes(0, 1), c, b
    return array[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
