# SPDX-License-Identifier: Apache-2.0
"""Splits a byte stream of H.264 or H.265 into access units."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from typing import Any

from ..codec import Codec
from .access_unit import AccessUnit, Delimiter, H264Delimiter, H265Delimiter, Place
from .entry_point import entry_point
from .errors import StreamError
from .nal import MAX_NALS, START_CODE, find_start, nal_units, syntax_of

MAX_PENDING = 16 << 20  # bytes without the end of an access unit, after which the stream is refused
_HEAD = 64  # bytes of a NAL unit, enough for the fields of a slice header that tell pictures apart
# NAL units that belong to the preceding picture, if there is one.
_FOLLOWERS = frozenset({Place.TRAILING, Place.END})
_SLICES = frozenset({Place.FIRST, Place.SLICE, Place.MIDDLE})


class Splitter:
    """Takes a stream in pieces of any size, and yields whole access units.

    An access unit is complete when the next one begins, so it comes one picture late, unless flush() ends it. The two
    fields of a frame are one access unit. Bytes before the first start code are discarded, and so is a picture without
    its first slice, with all that belongs to it.

    codec is H.264 or H.265. Raises ValueError for any other.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._syntax = syntax_of(codec)
        self._delimiter: Delimiter = H264Delimiter() if codec == Codec.H264 else H265Delimiter()
        self._pending = bytearray()
        self._pieces: deque[tuple[int, Any]] = deque()  # (offset of its first byte in _pending, its mark)
        self._searched = 0  # no start code begins before this offset
        # Offsets in _pending, or -1.
        self._header = -1  # header of the current NAL unit, while its place is not known
        self._set = -1  # header of a parameter set that has not ended yet
        self._orphan = -1  # start of a NAL unit that is to be discarded once its end has come
        self._forget_unit()

    def _forget_unit(self) -> None:
        self._has_picture = self._whole = False
        self._nals = 0  # start codes in the access unit
        self._begun = False  # whether _pending holds bytes of it
        self._lost = False  # whether a slice before it was discarded
        self._opened = -1  # offset where the next access unit begins, unless another slice of the picture comes
        self._mark: Any = None

    # ---- what is pending ----

    @property
    def has_picture(self) -> bool:
        """Whether a picture is pending."""
        return self._has_picture

    @property
    def lone_field(self) -> bool:
        """Whether the pending picture is a field, so that the second field may follow."""
        return self._has_picture and self._delimiter.lone_field

    def begins_picture(self, data: bytes) -> bool | None:
        """Return whether the first slice in data would begin a picture, without taking it; None if there is no slice.

        False means that it continues the pending picture, or a picture without its first slice.
        """
        delimiter = self._delimiter.copy()
        if not self._has_picture:
            delimiter.end_picture()
        for nal in nal_units(data, self.codec):
            head = data[nal.header : min(nal.end, nal.header + _HEAD)]
            if nal.kind in self._syntax.parameter_sets:
                delimiter.learn(data[nal.header : nal.end])
            with contextlib.suppress(StreamError):
                place = delimiter.place(head)
                if place in _SLICES:
                    return place is Place.FIRST
        return None

    def reset(self) -> None:
        """Discard what is pending, after bytes were lost. Parameter sets stay known."""
        self._pending.clear()
        self._pieces.clear()
        self._searched, self._header, self._set, self._orphan = 0, -1, -1, -1
        self._forget_unit()
        self._delimiter.end_picture()

    # ---- bytes in, access units out ----

    def learn(self, data: bytes) -> None:
        """Take parameter sets that come apart from the stream."""
        for nal in nal_units(data, self.codec):
            if nal.kind in self._syntax.parameter_sets:
                self._delimiter.learn(data[nal.header : nal.end])

    def feed(self, data: bytes, mark: Any = None) -> Iterator[tuple[AccessUnit, Any]]:
        """Take more bytes, and yield the access units that they complete, each with its mark. Raises StreamError.

        The mark of an access unit is that of the piece in which its first slice began.
        """
        if not self._pieces or self._pieces[-1][1] is not mark:
            self._pieces.append((len(self._pending), mark))
        self._pending += data
        yield from self._advance(over=False)
        if len(self._pending) > MAX_PENDING:
            self._refuse(f"{MAX_PENDING} bytes")

    def flush(self) -> Iterator[tuple[AccessUnit, Any]]:
        """End the pending access unit and yield it, if there is one. NAL units after it wait for the next picture."""
        yield from self._advance(over=True)
        self._end_nal(len(self._pending))
        if self._has_picture:
            yield from self._cut(self._opened if self._opened >= 0 else len(self._pending))
        self._delimiter.end_picture()

    def _refuse(self, much: str) -> None:
        self.reset()
        raise StreamError(f"no end of an access unit in {much}: this is no {self.codec.name} stream")

    def _advance(self, over: bool) -> Iterator[tuple[AccessUnit, Any]]:
        while self._header >= 0 or self._find():
            head = bytes(self._pending[self._header : self._header + _HEAD])
            following = find_start(head)
            head = head[:following] if following >= 0 else head
            place = self._place(head)
            if place is not None:
                yield from self._take(head, place)
            elif following < 0 and len(head) < _HEAD and not over:
                return  # the rest of the NAL unit may tell
            self._header = -1

    def _place(self, head: bytes) -> Place | None:
        """Return the place of the current NAL unit, or None if its first bytes do not tell."""
        try:
            return self._delimiter.place(head) if len(head) >= self._syntax.header else None
        except StreamError:
            return None

    def _find(self) -> bool:
        """Find the next start code, which ends the NAL unit before it. Returns whether there is one."""
        at = find_start(self._pending, self._searched)
        if at < 0:
            self._searched = max(self._searched, len(self._pending) - len(START_CODE) + 1)
            self._forget_pieces(self._searched)
            return False
        self._header = self._searched = at + len(START_CODE)
        self._end_nal(self._nal_start())
        self._nals += 1
        if self._nals > MAX_NALS:
            self._refuse(f"{MAX_NALS} NAL units")
        return True

    def _nal_start(self) -> int:
        """Return the offset of the current NAL unit's start code, including a zero_byte before it."""
        at = self._header - len(START_CODE)
        return at - 1 if at and self._pending[at - 1] == 0 else at

    def _end_nal(self, end: int) -> None:
        """End the previous NAL unit at end: take it if it is a parameter set, delete it if it is an orphan."""
        if self._set >= 0:
            self._delimiter.learn(bytes(self._pending[self._set : end]))
            self._set = -1
        if self._orphan >= 0:
            self._delete(self._orphan, end)
            self._orphan = -1

    def _take(self, head: bytes, place: Place) -> Iterator[tuple[AccessUnit, Any]]:
        """Take the current NAL unit, and yield the access unit that it ends, if any."""
        self._forget_pieces(self._header)
        if self._has_picture:
            yield from self._follow(place)
        elif not self._begun:
            self._delete(0, self._nal_start())
        if self._has_picture:
            self._whole = self._delimiter.whole if place is Place.SLICE else self._whole
        elif place is Place.FIRST:
            self._has_picture, self._whole, self._mark = True, self._delimiter.whole, self._pieces[0][1]
        elif place in _SLICES or (place in _FOLLOWERS and (self._lost or not self._begun)):
            self._lost = self._lost or place in _SLICES
            self._orphan = self._nal_start()
            self._delimiter.end_picture()
        else:
            self._lost = False
        self._begun = self._begun or self._orphan < 0
        if self._syntax.kind(head[0]) in self._syntax.parameter_sets and self._orphan < 0:
            self._set = self._header

    def _follow(self, place: Place) -> Iterator[tuple[AccessUnit, Any]]:
        """Take a NAL unit that comes after the pending picture, and yield the access unit that it ends, if any."""
        begins = place in (Place.FIRST, Place.MIDDLE)
        if place is Place.DELIMITER:
            begins = not self._delimiter.lone_field
            self._opened = -1 if begins else self._opened
        if begins:
            if place is not Place.FIRST:
                self._delimiter.end_picture()
            yield from self._cut(self._opened if self._opened >= 0 else self._nal_start())
        elif place in (Place.OPENER, Place.DELIMITER) and self._opened < 0:
            self._opened = self._nal_start()
        elif place is Place.SLICE:
            self._opened = -1
        elif place is Place.END:
            self._delimiter.end_picture()

    def _cut(self, end: int) -> Iterator[tuple[AccessUnit, Any]]:
        """Remove the pending access unit, which ends at end, and yield it if it is whole."""
        whole, mark, data = self._whole, self._mark, bytes(self._pending[:end])
        self._delete(0, end)
        self._forget_unit()
        self._begun = len(self._pending) > 0
        if whole:
            yield AccessUnit(data, entry_point(data, self.codec)), mark

    # ---- bytes that are forgotten ----

    def _delete(self, begin: int, end: int) -> None:
        """Delete bytes of _pending, and move all offsets accordingly."""

        def moved(offset: int) -> int:
            return offset if offset <= begin else max(begin, offset - (end - begin))

        del self._pending[begin:end]
        self._searched, self._header, self._set = moved(self._searched), moved(self._header), moved(self._set)
        self._pieces = deque((moved(offset), mark) for offset, mark in self._pieces)
        self._forget_pieces(0)

    def _forget_pieces(self, position: int) -> None:
        """Forget the pieces that end before a position."""
        while len(self._pieces) > 1 and self._pieces[1][0] <= position:
            self._pieces.popleft()
