# SPDX-License-Identifier: Apache-2.0
"""FFmpeg's libswscale, as PyAV has loaded it, for what PyAV can't do: to scale and convert into memory that is given.

The calls are those of libswscale/swscale.h, which have not changed from FFmpeg 4 to 8.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Sequence
from ctypes import CDLL, c_char_p, c_int, c_void_p
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import av

BILINEAR, ACCURATE = 2, 0x40000  # SWS_BILINEAR, SWS_ACCURATE_RND
MATRICES = (1, 4, 5, 6, 7, 9)  # those of ITU-T H.273 that sws_getCoefficients has
_ANY_MATRIX = 6
_MOST_PLANES = 4
_ONE = 1 << 16  # contrast and saturation, 16.16
_Addresses, _Strides = c_void_p * _MOST_PLANES, c_int * _MOST_PLANES


class Side(NamedTuple):
    """What is converted, or what becomes of it. pixels: PyAV's name. matrix: of ITU-T H.273; any of R'G'B'."""

    width: int
    height: int
    pixels: str
    matrix: int = _ANY_MATRIX
    full_range: bool = False


@cache
def _library(name: str) -> CDLL:
    """Load a library once more that this process has loaded already. Raises RuntimeError."""
    maps = Path("/proc/self/maps").read_text(errors="surrogateescape")
    found = re.search(rf"(/\S*/lib{name}[-.][^/\n]*)$", maps, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"this PyAV ({av.__file__}) has no lib{name} of its own: install PyAV's wheel, or FFmpeg's")
    return CDLL(found[1])


@cache
def _calls() -> CDLL:
    library = _library("swscale")
    library.sws_getContext.restype = c_void_p
    library.sws_getContext.argtypes = [*[c_int] * 7, *[c_void_p] * 3]
    library.sws_getCoefficients.restype = c_void_p
    library.sws_setColorspaceDetails.argtypes = [c_void_p, c_void_p, c_int, c_void_p, *[c_int] * 4]
    library.sws_scale.argtypes = [c_void_p, _Addresses, _Strides, c_int, c_int, _Addresses, _Strides]
    library.sws_freeContext.argtypes = [c_void_p]
    library.sws_freeContext.restype = None
    return library


def _number(pixels: str) -> int:
    call = _library("avutil").av_get_pix_fmt
    call.argtypes = [c_char_p]
    return int(call(pixels.encode()))


def _padded(numbers: Sequence[int]) -> list[int]:
    return [*numbers, *[0] * (_MOST_PLANES - len(numbers))][:_MOST_PLANES]


class Scaler:
    """Converts pictures of one shape into another one. flags: SWS_*. Raises ValueError: swscale can't do that."""

    def __init__(self, source: Side, target: Side, flags: int) -> None:
        calls = _calls()
        ends = ((side.width, side.height, _number(side.pixels)) for side in (source, target))
        before, after = ends
        self._context = calls.sws_getContext(*before, *after, flags, None, None, None)
        if not self._context:
            raise ValueError(f"swscale can't make {target.pixels} of {source.pixels}")
        weakref.finalize(self, calls.sws_freeContext, self._context).atexit = False
        tables = [calls.sws_getCoefficients(side.matrix) for side in (source, target)]
        ranges = [int(side.full_range) for side in (source, target)]
        # -1 says that the formats have nothing to set, such as R'G'B' of both.
        calls.sws_setColorspaceDetails(self._context, tables[0], ranges[0], tables[1], ranges[1], 0, _ONE, _ONE)
        self._height = target.height

    def scale(self, picture: Any, addresses: Sequence[int], strides: Sequence[int]) -> None:
        """Convert a picture into planes at these addresses. Raises ValueError.

        Behind each row as many bytes as fill it up to a multiple of 32 pixels are overwritten.
        """
        planes = picture.planes
        given = _Addresses(*_padded([plane.buffer_ptr for plane in planes]))
        rows = _Strides(*_padded([plane.line_size for plane in planes]))
        made = _calls().sws_scale(
            self._context, given, rows, 0, picture.height, _Addresses(*_padded(addresses)), _Strides(*_padded(strides))
        )
        if made != self._height:
            raise ValueError(f"swscale made {made} of {self._height} rows")
