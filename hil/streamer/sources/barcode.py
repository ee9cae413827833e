# SPDX-License-Identifier: Apache-2.0
"""Draws a number into a picture so that it survives scaling and encoding, and reads it from a decoded picture."""

from __future__ import annotations

import zlib
from functools import cache
from typing import Any

import numpy
from numpy.typing import NDArray

NUMBER_BITS, CHECK_BITS = 32, 8
CELLS = NUMBER_BITS + CHECK_BITS
MIN_WIDTH = 4 * CELLS  # pixels; narrower cells are blurred by an encoder
DARK, BRIGHT = 16, 235  # limited-range luma
HEIGHT_SHARE = 12  # the code takes the uppermost 1/12 of the picture, but at least 8 lines


def _bits(number: int) -> NDArray[numpy.bool_]:
    word = number & 0xFFFFFFFF
    check = zlib.crc32(word.to_bytes(4, "big")) & 0xFF
    value = word << CHECK_BITS | check
    return numpy.array([value >> (CELLS - 1 - bit) & 1 for bit in range(CELLS)], numpy.bool_)


@cache
def _cells(width: int) -> NDArray[numpy.int64]:
    """Return the cell of each pixel in a line."""
    return numpy.arange(width) * CELLS // width


def code_height(height: int) -> int:
    """Return the number of lines that the code takes in a picture of that height."""
    return max(8, height // HEIGHT_SHARE)


def draw(luma: NDArray[numpy.uint8], number: int) -> None:
    """Draw the low 32 bits of number into luma, of shape (height, width), in place.

    Raises ValueError if it is too narrow.
    """
    height, width = luma.shape
    if width < MIN_WIDTH:
        raise ValueError(f"{width} pixels are too narrow for the number: at least {MIN_WIDTH}")
    luma[: code_height(height)] = numpy.where(_bits(number), BRIGHT, DARK).astype(numpy.uint8)[_cells(width)]


def read(luma: NDArray[Any]) -> int | None:
    """Return the number in a decoded picture's luma, of shape (height, width), or None if there is no valid one."""
    height, width = luma.shape
    if width < MIN_WIDTH or height < 8:
        return None
    lines = luma[code_height(height) // 4 : code_height(height) * 3 // 4]
    edges = numpy.linspace(0, width, CELLS + 1)
    inner = (edges[:-1] * 0.7 + edges[1:] * 0.3).astype(int), (edges[:-1] * 0.3 + edges[1:] * 0.7).astype(int) + 1
    levels = [float(lines[:, begin:end].mean()) for begin, end in zip(*inner, strict=True)]
    bits = numpy.array(levels) > (DARK + BRIGHT) / 2
    number = 0
    for bit in bits[:NUMBER_BITS]:
        number = number << 1 | int(bit)
    return number if numpy.array_equal(_bits(number), bits) else None
