# SPDX-License-Identifier: Apache-2.0
"""Computes picture order counts, and so the output order of pictures: ITU-T H.264 clause 8.2.1, H.265 clause 8.3.1."""

from __future__ import annotations

from typing import NamedTuple

from ..codec import Codec
from . import h264, h264_slice, h265
from .errors import StreamError
from .nal import SYNTAXES, Nal, nal_units, syntax_of

_HEAD = 512  # bytes of a slice: up to its picture order count and reference marking
_H265_IDR, _H265_BLA, _H265_CRA = (19, 20), (16, 17, 18), 21
_H265_LEADING, _H265_ENDS = range(6, 10), (36, 37)


class Order(NamedTuple):
    """A place in output order: the pictures of a stream are shown in rising order of these.

    Attributes:
        sequence: how many pictures, including this one, have restarted the count.
        poc: picture order count within that sequence.
    """

    sequence: int
    poc: int


class _H264Counter:
    """Picture order counts by clause 8.2.1. The count of a frame is that of its field that is shown first."""

    def __init__(self) -> None:
        self.sets = h264_slice.Sets()
        self._sequence = 0
        self._first: h264_slice.SliceHeader | None = None  # first slice of the current picture
        self._msb = self._lsb = 0  # of the previous reference picture
        self._frame_num = self._offset = 0  # of the previous picture

    def begin(self) -> None:
        """Begin the next access unit."""
        self._first = None

    def take(self, head: bytes, nal: Nal) -> Order | None:
        """Return the order of a slice that begins a frame or field; None for any other, or if it is not known."""
        if nal.kind not in SYNTAXES[Codec.H264].slices:
            return None
        header = self.sets.read_slice(head)
        sps = self.sets.sps_of(header.pps_id)
        if sps is None or header.redundant or (self._first is not None and not header.differs(self._first)):
            return None
        self._first = header
        if header.kind == h264_slice.IDR:
            self._sequence += 1
            self._msb = self._lsb = self._frame_num = self._offset = 0
        elif header.frame_num < self._frame_num:
            self._offset += 1 << sps.frame_num_bits
        self._frame_num = header.frame_num
        poc = (self._by_lsb, self._by_offsets, self._by_decoding)[sps.poc_type](header, sps)
        if self._forgets(head):
            poc = self._begin_anew(header)
        return Order(self._sequence, poc)

    def _forgets(self, head: bytes) -> bool:
        try:
            return self.sets.forgets_references(head)
        except StreamError:  # damaged behind the order count, which was read already
            return False

    def _begin_anew(self, header: h264_slice.SliceHeader) -> int:
        """Restart the count as after an IDR picture: that is what operation 5 makes of this one (clause 8.2.1)."""
        self._sequence += 1
        self._msb = self._frame_num = self._offset = 0
        self._lsb = 0 if header.bottom else max(0, -header.delta_bottom)
        return 0

    def _by_lsb(self, header: h264_slice.SliceHeader, sps: h264.Sps) -> int:
        """Return the count by pic_order_cnt_type 0."""
        msb = _msb(header.poc_lsb, self._lsb, self._msb, 1 << sps.poc_lsb_bits)
        if header.reference:
            self._msb, self._lsb = msb, header.poc_lsb
        return msb + header.poc_lsb + min(0, header.delta_bottom)

    def _by_offsets(self, header: h264_slice.SliceHeader, sps: h264.Sps) -> int:
        """Return the count by pic_order_cnt_type 1."""
        number = self._offset + header.frame_num if sps.offsets else 0
        if number and not header.reference:
            number -= 1
        expected = 0
        if number:
            cycles, inside = divmod(number - 1, len(sps.offsets))
            expected = cycles * sum(sps.offsets) + sum(sps.offsets[: inside + 1])
        if not header.reference:
            expected += sps.offset_for_non_ref
        first = expected + header.delta_0
        if header.field:
            return first + (sps.offset_top_to_bottom if header.bottom else 0)
        return min(first, first + sps.offset_top_to_bottom + header.delta_1)

    def _by_decoding(self, header: h264_slice.SliceHeader, sps: h264.Sps) -> int:
        """Return the count by pic_order_cnt_type 2."""
        return 2 * (self._offset + header.frame_num) - (not header.reference)


class _H265Counter:
    """Picture order counts by clause 8.3.1."""

    def __init__(self) -> None:
        self.sets = h265.Sets()
        self._sequence = 0
        self._begins = True  # whether a CRA picture would restart the count
        self._msb = self._lsb = 0  # of the previous picture of temporal layer 0 (prevTid0Pic)

    def begin(self) -> None:
        """Begin the next access unit."""

    def take(self, head: bytes, nal: Nal) -> Order | None:
        """Return the order of a slice segment that begins a picture; None for any other, or if it is not known."""
        if nal.kind in _H265_ENDS:
            self._begins = True
        if nal.kind not in SYNTAXES[Codec.H265].slices:
            return None
        header = self.sets.read_slice(head)
        sps = self.sets.sps_of(header.pps_id)
        if sps is None or not header.first:
            return None
        begins = nal.kind in (*_H265_IDR, *_H265_BLA) or (nal.kind == _H265_CRA and self._begins)
        self._begins = False
        self._sequence += begins
        msb = 0 if begins else _msb(header.poc_lsb, self._lsb, self._msb, 1 << sps.poc_lsb_bits)
        is_reference = nal.kind >= 16 or nal.kind & 1
        if header.temporal_id == 0 and is_reference and nal.kind not in _H265_LEADING:
            self._msb, self._lsb = msb, header.poc_lsb
        return Order(self._sequence, msb + header.poc_lsb)


def _msb(lsb: int, previous_lsb: int, previous_msb: int, wrap: int) -> int:
    """Return the high bits of a count, which are not sent: those of the previous picture, corrected for wrapping."""
    if lsb < previous_lsb and previous_lsb - lsb >= wrap // 2:
        return previous_msb + wrap
    if lsb > previous_lsb and lsb - previous_lsb > wrap // 2:
        return previous_msb - wrap
    return previous_msb


class PictureOrder:
    """Takes the access units of a stream in decoding order, and returns their places in output order.

    codec is H.264 or H.265. Raises ValueError for any other.
    """

    def __init__(self, codec: Codec) -> None:
        syntax_of(codec)
        self.codec = codec
        self._counter: _H264Counter | _H265Counter = _H264Counter() if codec == Codec.H264 else _H265Counter()

    def take(self, data: bytes) -> Order | None:
        """Return the order of the next access unit; None if it has no picture, or its parameter sets did not come."""
        order: Order | None = None
        self._counter.begin()
        for nal in nal_units(data, self.codec):
            if nal.kind in SYNTAXES[self.codec].parameter_sets:
                self._counter.sets.learn(data[nal.header : nal.end])
            elif nal.layer == 0:
                try:
                    found = self._counter.take(data[nal.header : min(nal.end, nal.header + _HEAD)], nal)
                except StreamError:
                    continue
                order = min(filter(None, (order, found)), default=None)
        return order
