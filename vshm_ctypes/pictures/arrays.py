# SPDX-License-Identifier: Apache-2.0
"""Numpy arrays of raw frames, which share the frame's memory: nothing is copied."""

from __future__ import annotations

from ..codec import Codec, codec_name
from ..picture import PictureLayout
from .packages import not_installed

try:
    import numpy
    from numpy.typing import NDArray
except ModuleNotFoundError as error:
    raise not_installed(error) from None

Array = NDArray[numpy.uint8]
Payload = bytes | bytearray | memoryview


def array_of(codec: int, layout: PictureLayout | None, data: Payload) -> Array:
    """Return a raw frame as one array, as frame.array() documents it. Raises ValueError."""
    planes = planes_of(codec, layout, data)
    if len(planes) == 1:
        return planes[0]
    assert layout is not None
    luma, width = layout.planes[0], _even(layout.width)
    # An odd width with a byte of padding is as long as an even one, but its last column is no picture.
    if codec == Codec.I420 and (luma.stride != layout.width or width != layout.width or layout.height % 2):
        what = f"a picture of I420 with {layout.height} rows of {luma.stride} bytes for {layout.width} pixels"
        raise ValueError(f"{what} is no array that OpenCV takes: use planes()")
    rows = luma.rows + (layout.height + 1) // 2  # those of chroma follow with the same stride: of I420 two in one
    return _rows(data, luma.offset, luma.stride, rows, width)


def planes_of(codec: int, layout: PictureLayout | None, data: Payload) -> tuple[Array, ...]:
    """Return an array of each plane of a raw frame, as frame.planes() documents it. Raises ValueError."""
    if layout is None:
        told = "vshm_ctypes.Pictures decodes them" if codec < Codec.NV12 else "it is no picture"
        raise ValueError(f"frames of {codec_name(codec)} are no raw pictures: {told}")
    width, chroma = layout.width, (layout.width + 1) // 2
    first, *others = layout.planes
    if codec == Codec.YUYV:
        return (_pixels(data, first.offset, first.stride, first.rows, _even(width), 2),)
    if codec in (Codec.RGB24, Codec.BGR24):
        return (_pixels(data, first.offset, first.stride, first.rows, width, 3),)
    rows = [_rows(data, first.offset, first.stride, first.rows, width)]
    for plane in others:
        if codec == Codec.NV12:
            rows.append(_pixels(data, plane.offset, plane.stride, plane.rows, chroma, 2))
        else:
            rows.append(_rows(data, plane.offset, plane.stride, plane.rows, chroma))
    return tuple(rows)


def _even(width: int) -> int:
    return width + width % 2


def _rows(data: Payload, offset: int, stride: int, rows: int, width: int) -> Array:
    # numpy.ndarray(buffer=...) would take what is behind a read-only memoryview: the array could be made writable, and
    # writing to a borrowed frame's would end the process.
    return numpy.frombuffer(data, numpy.uint8, stride * rows, offset).reshape(rows, stride)[:, :width]


def _pixels(data: Payload, offset: int, stride: int, rows: int, width: int, channels: int) -> Array:
    return _rows(data, offset, stride, rows, width * channels).reshape(rows, width, channels)
