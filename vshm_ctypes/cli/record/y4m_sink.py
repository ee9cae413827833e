# SPDX-License-Identifier: Apache-2.0
"""Writes a recording of raw Y'CbCr or grey pictures as YUV4MPEG2, which FFmpeg and players open without being told.

A picture of NV12 or YUYV has its bytes put into planes; none is converted. There are no times in such a file.
"""

from __future__ import annotations

from ...codec import Codec
from ...decodable import Picture
from ...errors import BrokenPicture
from ...picture import PictureLayout, Range
from .elementary_sink import ElementarySink
from .sink import SinkError

CODECS = (Codec.I420, Codec.NV12, Codec.YUYV, Codec.GREY)
_CHROMA = {Codec.I420: "420jpeg", Codec.NV12: "420jpeg", Codec.YUYV: "422", Codec.GREY: "mono"}
_RANGES = {Range.LIMITED: " XCOLORRANGE=LIMITED", Range.FULL: " XCOLORRANGE=FULL"}


def _head(layout: PictureLayout, fps: int) -> bytes:
    span = _RANGES.get(Range(layout.colour.range), "") if layout.colour.range in set(Range) else ""
    words = f"YUV4MPEG2 W{layout.width} H{layout.height} F{fps}:{1 if fps else 0} Ip A0:0"
    return f"{words} C{_CHROMA[Codec(layout.codec)]}{span}\n".encode()


def _rows(data: bytes, layout: PictureLayout, number: int, used: int) -> bytes:
    """Return the first bytes of each row of a plane, as many as are used."""
    offset, stride, rows = layout.planes[number]
    if used == stride:
        return data[offset : offset + used * rows]
    return b"".join(data[at : at + used] for at in range(offset, offset + stride * rows, stride))


def _planes(data: bytes, layout: PictureLayout) -> bytes:
    """Return luma, then both chroma planes, without padding."""
    width, half = layout.width, (layout.width + 1) // 2
    if layout.codec == Codec.YUYV:
        pairs = _rows(data, layout, 0, 4 * half)
        luma = pairs[0::2]
        if width % 2:
            luma = b"".join(luma[at : at + width] for at in range(0, len(luma), 2 * half))
        return luma + pairs[1::4] + pairs[3::4]
    luma = _rows(data, layout, 0, width)
    if layout.codec == Codec.NV12:
        both = _rows(data, layout, 1, 2 * half)
        return luma + both[0::2] + both[1::2]
    return luma + b"".join(_rows(data, layout, number, half) for number in range(1, len(layout.planes)))


class Y4mSink(ElementarySink):
    """Writes raw pictures one after the other, each behind the word FRAME."""

    def _content(self, picture: Picture) -> bytes:
        frame = picture.frame
        try:
            layout = frame.layout
        except BrokenPicture as error:
            raise SinkError(0, f"frame {frame.number}: {error.strerror}") from None
        assert layout is not None  # misfit() refuses all others
        head = b"" if self._begun else _head(layout, frame.fps)
        return head + b"FRAME\n" + _planes(frame.data, layout)
