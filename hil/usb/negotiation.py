# SPDX-License-Identifier: Apache-2.0
"""Probe and commit: the host proposes a format, the camera says what it makes of it, and the host settles on that."""

from __future__ import annotations

import struct
from typing import NamedTuple

from .designs import RAW, TICKS_PER_S, Design, Format, Frame
from .video_descriptors import CLOCK_HZ, VERSION_1_1, VERSION_1_5

_FIXED_INTERVAL = 1  # bmHint: the host wants this interval, and the camera chooses the rest
_IDS_AND_ENDS = 3  # bmFramingInfo: payload headers have frame ids and ends of pictures
_COMPRESSION_MARGIN = 1.25  # over the largest picture there is, as a camera can't know the next one


class Choice(NamedTuple):
    """What was agreed on. interval: in 100 ns. size: bytes of the largest picture. payload: of a payload, at most."""

    form: Format
    frame: Frame
    format_index: int
    frame_index: int
    interval: int
    size: int
    payload: int

    @property
    def interval_s(self) -> float:
        """Seconds between pictures."""
        return self.interval / TICKS_PER_S


def _place(index: int, count: int) -> int:
    return min(max(index, 1), count) - 1


class Negotiation:
    """What a camera offers. largest: bytes of a picture, by kind of clip and size."""

    def __init__(self, design: Design, largest: dict[tuple[str, int, int], int]) -> None:
        self._design, self._largest = design, largest

    def choose(self, format_index: int, frame_index: int, interval: int, size: int = 0) -> Choice:
        """Return what comes nearest to a proposal. interval 0: the default one. size: to be told instead, if not 0."""
        format_at = _place(format_index, len(self._design.formats))
        form = self._design.formats[format_at]
        frame_at = _place(frame_index, len(form.frames))
        frame = form.frames[frame_at]
        interval = interval or frame.intervals[0]
        offered = (*frame.intervals, interval) if frame.has(interval) else frame.intervals
        nearest = min(offered, key=lambda each: abs(each - interval))
        size = size or self._size(form, frame)
        return Choice(form, frame, format_at + 1, frame_at + 1, nearest, size, self._design.payload)

    def proposal(self, data: bytes, size: int = 0) -> Choice | None:
        """Return what the camera makes of a host's SET_CUR, or None if it is too short to be one."""
        if len(data) < 8:
            return None
        form, frame, interval = struct.unpack_from("<BBI", data, 2)
        return self.choose(form, frame, interval, size)

    def pack(self, choice: Choice) -> bytes:
        """Return the bytes of a choice, as many as this version of the class has."""
        fixed = (_FIXED_INTERVAL, choice.format_index, choice.frame_index, choice.interval, 0, 0, 0, 0, 0)
        data = struct.pack("<HBBIHHHHHII", *fixed, choice.size, choice.payload)
        if self._design.version >= VERSION_1_1:
            data += struct.pack("<IBBBB", CLOCK_HZ, _IDS_AND_ENDS, 0, 0, 0)
        if self._design.version >= VERSION_1_5:
            data += bytes(14)
        return data

    def _size(self, form: Format, frame: Frame) -> int:
        largest = self._largest[form.clip, frame.width, frame.height]
        return largest if form.fourcc in RAW else round(largest * _COMPRESSION_MARGIN)
