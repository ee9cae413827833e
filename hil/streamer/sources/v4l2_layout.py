# SPDX-License-Identifier: Apache-2.0
"""The memory layout of a driver's raw pictures, from which PyAV's pictures are made."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import av

from .pixel_formats import RAW, Plane
from .v4l2_queue import Format

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

# PyAV shares memory with arrays of numpy alone, and the smallest boards do without numpy: pictures are copied there.
_SHARES = importlib.util.find_spec("numpy") is not None
# What PyAV takes in place, with the bytes of a pixel; everything else is copied.
_IN_PLACE = {"yuv420p": 1, "nv12": 1, "gray": 1, "rgb24": 3, "bgr24": 3, "bgra": 4, "argb": 4, "rgba": 4, "abgr": 4}


class Layout:
    """The layout of a driver's format. pixels: PyAV's name of it, empty if the camera encodes by itself.

    Raises ValueError if the driver's values are inconsistent.
    """

    def __init__(self, form: Format) -> None:
        raw = RAW.get(form.fourcc)
        self.size = form.size
        self.pixels = raw.pixels if raw else ""
        self._planes = raw.planes if raw else ()
        self._separate = raw is not None and raw.separate
        if raw is not None and len(form.strides) != (len(raw.planes) if raw.separate else 1):
            raise ValueError(f"{form.fourcc} in {len(form.strides)} planes, which it does not have")
        self._strides = [self._stride(number, form) for number in range(len(self._planes))]

    def _stride(self, number: int, form: Format) -> int:
        """Return the bytes from line to line of a plane. The driver says those of each plane in memory, if any."""
        plane, least = self._planes[number], self._planes[number].row_bytes(form.size.width)
        told = form.strides[number] if self._separate else plane.stride(self._planes[0], form.strides[0])
        if 0 < told < least:
            raise ValueError(f"{form.fourcc} with lines of {told} bytes, too short for {form.size.width} pixels")
        return told or least

    @property
    def is_rgb(self) -> bool:
        """Whether its pixels are R'G'B'."""
        return bool(self.pixels) and av.VideoFormat(self.pixels).is_rgb

    @property
    def is_grey(self) -> bool:
        """Whether its pixels have no chroma."""
        return self.pixels.startswith("gray")

    @property
    def copies(self) -> bool:
        """Whether PyAV supports these pictures only as a copy.

        That includes formats with another order of planes, a height or stride that PyAV would round, and whatever
        there is without numpy.
        """
        rounds = len(self._planes) > 1 and (self.size.height % 4 != 0 or self._strides[0] % 2 != 0)
        other_order = [plane.number for plane in self._planes] != [*range(len(self._planes))]
        return not _SHARES or self._separate or other_order or rounds or self.pixels not in _IN_PLACE

    @property
    def _plane_bytes(self) -> list[int]:
        return [
            plane.rows(self.size.height) * stride for plane, stride in zip(self._planes, self._strides, strict=True)
        ]

    def is_whole(self, there: Sequence[int]) -> bool:
        """Return whether planes with so many bytes are a whole picture; always true if the camera encodes by itself."""
        least = self._plane_bytes if self._separate else [sum(self._plane_bytes)]
        return all(have >= max(need, 1) for have, need in zip(there, least, strict=True))

    def rows(self, part: memoryview) -> NDArray[numpy.uint8]:
        """Return the picture as PyAV takes it in place: lines, with the bytes of a pixel as a third dimension."""
        import numpy

        pixel, stride, (width, height) = _IN_PLACE[self.pixels], self._strides[0], self.size
        lines = sum(self._plane_bytes) // stride
        rows = numpy.frombuffer(part, numpy.uint8, lines * stride).reshape(lines, stride)
        return rows if pixel == 1 else rows[:, : width * pixel].reshape(height, width, pixel)

    def in_place(self, rows: NDArray[numpy.uint8]) -> av.VideoFrame:
        """Return a picture that shares memory with what rows() returned."""
        return av.VideoFrame.from_numpy_buffer(rows, format=self.pixels, width=self.size.width)

    def copied(self, parts: Sequence[memoryview]) -> av.VideoFrame:
        """Return a picture with memory of its own."""
        picture = av.VideoFrame(*self.size, self.pixels)
        for plane, stride, lines in self._lines(parts):
            target = picture.planes[plane.number]
            pixels, used = memoryview(target), plane.row_bytes(self.size.width)
            if target.line_size == stride:
                pixels[: len(lines)] = lines
                continue
            for at in range(len(lines) // stride):
                begin = at * target.line_size
                pixels[begin : begin + used] = lines[at * stride : at * stride + used]
        return picture

    def _lines(self, parts: Sequence[memoryview]) -> Iterator[tuple[Plane, int, memoryview]]:
        """Yield each plane, the bytes from line to line, and its lines, from the planes in memory."""
        at = 0
        for number, (plane, stride) in enumerate(zip(self._planes, self._strides, strict=True)):
            size = plane.rows(self.size.height) * stride
            begin = 0 if self._separate else at
            yield plane, stride, parts[number if self._separate else 0][begin : begin + size]
            at += size
