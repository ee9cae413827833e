# SPDX-License-Identifier: Apache-2.0
"""Draws the picture of testsrc: colour bars, a sweep of ever finer lines, a moving square, number, time, and a bar."""

from __future__ import annotations

import time
from typing import Any

import av
import numpy
from numpy.typing import NDArray

from ..colour import BT709, Colour, guessed_matrix
from . import barcode

Plane = NDArray[numpy.uint8]

# Five lines of three cells for each letter, the uppermost in the highest bits.
_LETTERS = dict(
    zip(
        "0123456789:.",
        (0o75557, 0o26227, 0o71747, 0o71717, 0o55711, 0o74717, 0o74757, 0o71111, 0o75757, 0o75717, 0o02020, 0o00002),
        strict=True,
    )
)
_PLACES = {letter: at for at, letter in enumerate(_LETTERS)}
_CELLS = (4, 6)  # cells of a letter with its margin: across, down
NUMBER, CLOCK = 7, len("00:00:00.000")  # letters
_DARK, _BRIGHT = 16, 235
_FINEST = 0.25  # cycles per pixel in the sweep of lines
# R'G'B' of the bars white, yellow, cyan, green, magenta, red, blue and black (ITU-R BT.471), and of the square.
BARS = 0.75 * numpy.array([[1, 1, 1], [1, 1, 0], [0, 1, 1], [0, 1, 0], [1, 0, 1], [1, 0, 0], [0, 0, 1], [0, 0, 0]])
SQUARE = numpy.array([[1.0, 0.5, 0.0]])


def colour_of_bars(width: int, height: int) -> Colour:
    """Return the colour description that players assume for a picture of that size."""
    matrix = guessed_matrix(width, height)
    return Colour(False, matrix, matrix, matrix)


def ycbcr(rgb: NDArray[numpy.float64], matrix: int) -> Plane:
    """Convert R'G'B' from 0 to 1 into limited-range Y'CbCr. Both have the shape (colours, 3)."""
    red, blue = (0.2126, 0.0722) if matrix == BT709 else (0.299, 0.114)
    luma = rgb @ [red, 1 - red - blue, blue]
    chroma = [(rgb[:, at] - luma) / (2 * (1 - share)) for at, share in ((2, blue), (0, red))]
    return numpy.round(numpy.stack([16 + 219 * luma, *(128 + 224 * one for one in chroma)], axis=1)).astype(numpy.uint8)


class TestPicture:
    """Draws test pictures of width by height pixels, both even."""

    __test__ = False  # it is not a test case, in spite of its name

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._colour = colour_of_bars(width, height)
        top = -(-barcode.code_height(height) // 2) * 2
        self._digits = max(min(width // (CLOCK * _CELLS[0] + 1), (height - top) // (6 * _CELLS[1])), 1)  # a cell
        self._panel = (
            height - 2 * (_CELLS[1] + 1) * self._digits - 4 & ~1
        )  # the first line of the panel; below it is the growing bar
        self._text = self._panel + 2 * self._digits + 2  # the first line under number and clock, with a margin
        self._letters = numpy.stack([self._draw_letter(bits) for bits in _LETTERS.values()])
        self._second, self._clock = -1, ""
        self._background = self._draw_background(top)
        self._square = ycbcr(SQUARE, self._colour.matrix)[0]
        self._top, self._side = top, max((self._panel - top) // 3 & ~1, 2)

    def _draw_letter(self, bits: int) -> Plane:
        cells = numpy.zeros((_CELLS[1], _CELLS[0]), numpy.uint8)
        for at in range(15):
            cells[at // 3, at % 3] = bits >> (14 - at) & 1
        return numpy.where(cells.repeat(self._digits, 0).repeat(self._digits, 1), _BRIGHT, _DARK).astype(numpy.uint8)

    def _draw_background(self, top: int) -> list[Plane]:
        luma, blue, red = ycbcr(BARS, self._colour.matrix).T
        across = numpy.arange(self._width // 2) * len(BARS) // (self._width // 2)
        half = self._height // 2, self._width // 2
        planes: list[Plane] = [numpy.full((self._height, self._width), _DARK, numpy.uint8)]
        planes += [numpy.full(half, 128, numpy.uint8) for _ in range(2)]
        strip = (self._panel - top) // 8 & ~1
        ramp = self._panel - strip  # grey from black to white
        sweep = ramp - strip  # ever finer lines, which show the sharpness
        planes[0][top:sweep] = luma[across].repeat(2)
        places = numpy.arange(self._width)
        lines = numpy.sin(numpy.pi * _FINEST * places**2 / self._width)
        planes[0][sweep:ramp] = ((_DARK + _BRIGHT) / 2 + 100 * lines).astype(numpy.uint8)
        planes[0][ramp : self._panel] = numpy.linspace(_DARK, _BRIGHT, self._width).astype(numpy.uint8)
        for plane, values in ((planes[1], blue), (planes[2], red)):
            plane[top // 2 : sweep // 2] = values[across]
        return planes

    def draw(self, number: int, now_s: float) -> av.VideoFrame:
        """Return picture number at now_s, CLOCK_MONOTONIC in seconds.

        The bar restarts at full seconds, when testaudio beeps.
        """
        frame = self._colour.put_on(av.VideoFrame(self._width, self._height, "yuv420p"))
        planes = [_view(plane) for plane in frame.planes]
        for plane, background in zip(planes, self._background, strict=True):
            plane[:, : background.shape[1]] = background
        luma = planes[0][:, : self._width]
        barcode.draw(luma, number)
        self._draw_square(planes, number)
        self._write(luma, self._text, f"{number % 10**NUMBER:0{NUMBER}}")
        self._write(luma, self._text + _CELLS[1] * self._digits, self._time())
        filled = int(self._width * (now_s % 1)) & ~1
        bar = luma[self._panel : self._panel + self._digits]
        bar[:, :filled], bar[:, filled:] = _BRIGHT, _DARK
        return frame

    def _draw_square(self, planes: list[Plane], number: int) -> None:
        side = min(self._side, self._width // 2 & ~1)
        left = number * 4 % (self._width - side) & ~1
        top = self._top + self._side & ~1
        levels = self._square
        planes[0][top : top + side, left : left + side] = levels[0]
        for plane, level in zip(planes[1:], levels[1:], strict=True):
            plane[top // 2 : (top + side) // 2, left // 2 : (left + side) // 2] = level

    def _write(self, luma: Plane, top: int, text: str) -> None:
        high, left = _CELLS[1] * self._digits, self._digits
        letters = self._letters[[_PLACES[letter] for letter in text]]
        luma[top : top + high, left : left + len(text) * _CELLS[0] * self._digits] = letters.swapaxes(0, 1).reshape(
            high, -1
        )

    def _time(self) -> str:
        now_s = time.time()
        if int(now_s) != self._second:
            self._second = int(now_s)
            self._clock = time.strftime("%H:%M:%S", time.localtime(now_s))
        return f"{self._clock}.{int(now_s % 1 * 1000):03}"


def _view(plane: Any) -> Plane:
    """Return the bytes of a plane as an array, including the padding at the end of each line."""
    return numpy.frombuffer(plane, numpy.uint8).reshape(plane.height, plane.line_size)
