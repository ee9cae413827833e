# SPDX-License-Identifier: Apache-2.0
"""A byte stream of H.264 or H.265, cut into access units."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from typing import Any

from ..frame import Codec
from .access_unit import AccessUnit, Delimiter, H264Delimiter, H265Delimiter, Place
from .entry_point import entry_point
from .errors import StreamError
from .nal import MAX_NALS, START_CODE, nal_units, syntax_of

MAX_PENDING = 16 << 20  # bytes; a stream that has no access unit in so many is none
_HEAD = 64  # bytes of a NAL unit: as far as a slice header tells pictures apart, and more
# What belongs to the picture in front of it, if there is one.
_FOLLOWERS = frozenset({Place.TRAILING, Place.END})
_SLICES = frozenset({Place.FIRST, Place.SLICE, Place.MIDDLE})


class Splitter:
    """Takes a stream in pieces of any size, and gives whole access units. codec: H.264 or H.265; else ValueError.

    One is whole once the next one begins: it comes out a picture late, unless flush() says that it is over. The two
    fields of a frame are one. What stands in front of the first start code is left out, and so are slices of a picture
    whose beginning is missing, and what would belong to it.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._syntax = syntax_of(codec)
        self._delimiter: Delimiter = H264Delimiter() if codec == Codec.H264 else H265Delimiter()
        self._pending = bytearray()
        self._pieces: deque[tuple[int, Any]] = deque()  # (offset of its first byte in what is pending, its mark)
        self._searched = 0  # no start code begins before
        # Offsets in what is pending; -1: there is none.
        self._header = -1  # of a NAL unit that has no place yet
        self._set = -1  # header of a parameter set that has a place, and no end yet
        self._orphan = -1  # beginning of a NAL unit that belongs to nothing, and has no end yet
        self._forget_unit()

    def _forget_unit(self) -> None:
        self._has_picture = self._whole = False
        self._nals = 0  # start codes
        self._begun = False  # whether something is kept for it
        self._lost = False  # whether it is behind a slice that was left out
        self._opened = -1  # where the next access unit begins, unless the picture goes on
        self._mark: Any = None

    # ---- what is pending ----

    @property
    def has_picture(self) -> bool:
        """Whether a picture is pending."""
        return self._has_picture

    @property
    def lone_field(self) -> bool:
        """Whether the picture that is pending is a field whose second one may follow."""
        return self._has_picture and self._delimiter.lone_field

    def begins_picture(self, data: bytes) -> bool | None:
        """Whether the first slice of what is to be fed next begins a picture. Changes nothing.

        False: it goes on with the one that is pending, or with one whose beginning is missing. None: there is no slice.
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
        """Forget what is pending: bytes were lost. The parameter sets stay known."""
        self._pending.clear()
        self._pieces.clear()
        self._searched, self._header, self._set, self._orphan = 0, -1, -1, -1
        self._forget_unit()
        self._delimiter.end_picture()

    # ---- bytes in, access units out ----

    def feed(self, data: bytes, mark: Any = None) -> Iterator[tuple[AccessUnit, Any]]:
        """More bytes; the access units that they complete, each with its mark. Raises StreamError.

        An access unit's mark is that of the piece in which its picture's first slice began.
        """
        if not self._pieces or self._pieces[-1][1] is not mark:
            self._pieces.append((len(self._pending), mark))
        self._pending += data
        yield from self._advance(over=False)
        if len(self._pending) > MAX_PENDING:
            self._refuse(f"{MAX_PENDING} bytes")

    def flush(self) -> Iterator[tuple[AccessUnit, Any]]:
        """No more of this picture comes: what is pending, if it is one. What stands behind it waits for the next."""
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
            following = head.find(START_CODE)
            head = head[:following] if following >= 0 else head
            place = self._place(head)
            if place is not None:
                yield from self._take(head, place)
            elif following < 0 and len(head) < _HEAD and not over:
                return  # the rest of it may tell
            self._header = -1

    def _place(self, head: bytes) -> Place | None:
        """Of the NAL unit that is looked at; None: its first bytes do not tell."""
        try:
            return self._delimiter.place(head) if len(head) >= self._syntax.header else None
        except StreamError:
            return None

    def _find(self) -> bool:
        """The next start code, with which the NAL unit before it ends."""
        at = self._pending.find(START_CODE, self._searched)
        if at < 0:
            self._searched = max(self._searched, len(self._pending) - len(START_CODE) + 1)
            self._forget_pieces(self._searched)
            return False
        self._header = self._searched = at + len(START_CODE)
        self._end_nal(self._begin())
        self._nals += 1
        if self._nals > MAX_NALS:
            self._refuse(f"{MAX_NALS} NAL units")
        return True

    def _begin(self) -> int:
        """Of the NAL unit that is looked at: of its start code, with the zero_byte in front of it."""
        at = self._header - len(START_CODE)
        return at - 1 if at and self._pending[at - 1] == 0 else at

    def _end_nal(self, end: int) -> None:
        """The NAL unit before ends there: a parameter set is known now, an orphan is forgotten."""
        if self._set >= 0:
            self._delimiter.learn(bytes(self._pending[self._set : end]))
            self._set = -1
        if self._orphan >= 0:
            self._delete(self._orphan, end)
            self._orphan = -1

    def _take(self, head: bytes, place: Place) -> Iterator[tuple[AccessUnit, Any]]:
        """One more NAL unit."""
        self._forget_pieces(self._header)
        if self._has_picture:
            yield from self._follow(place)
        elif not self._begun:
            self._delete(0, self._begin())
        if self._has_picture:
            self._whole = self._delimiter.whole if place is Place.SLICE else self._whole
        elif place is Place.FIRST:
            self._has_picture, self._whole, self._mark = True, self._delimiter.whole, self._pieces[0][1]
        elif place in _SLICES or (place in _FOLLOWERS and (self._lost or not self._begun)):
            self._lost = self._lost or place in _SLICES
            self._orphan = self._begin()
            self._delimiter.end_picture()
        else:
            self._lost = False
        self._begun = self._begun or self._orphan < 0
        if self._syntax.kind(head[0]) in self._syntax.parameter_sets and self._orphan < 0:
            self._set = self._header

    def _follow(self, place: Place) -> Iterator[tuple[AccessUnit, Any]]:
        """What a NAL unit does to the picture that is pending."""
        begins = place in (Place.FIRST, Place.MIDDLE)
        if place is Place.DELIMITER:
            begins = not self._delimiter.lone_field
            self._opened = -1 if begins else self._opened
        if begins:
            if place is not Place.FIRST:
                self._delimiter.end_picture()
            yield from self._cut(self._opened if self._opened >= 0 else self._begin())
        elif place in (Place.OPENER, Place.DELIMITER) and self._opened < 0:
            self._opened = self._begin()
        elif place is Place.SLICE:
            self._opened = -1
        elif place is Place.END:
            self._delimiter.end_picture()

    def _cut(self, end: int) -> Iterator[tuple[AccessUnit, Any]]:
        """The picture that is pending, which ends there."""
        whole, mark, data = self._whole, self._mark, bytes(self._pending[:end])
        self._delete(0, end)
        self._forget_unit()
        self._begun = len(self._pending) > 0
        if whole:
            yield AccessUnit(data, entry_point(data, self.codec)), mark

    # ---- bytes that are forgotten ----

    def _delete(self, begin: int, end: int) -> None:
        """Bytes of what is pending."""

        def moved(offset: int) -> int:
            return offset if offset <= begin else max(begin, offset - (end - begin))

        del self._pending[begin:end]
        self._searched, self._header, self._set = moved(self._searched), moved(self._header), moved(self._set)
        self._pieces = deque((moved(offset), mark) for offset, mark in self._pieces)
        self._forget_pieces(0)

    def _forget_pieces(self, position: int) -> None:
        """Those that end before a position."""
        while len(self._pieces) > 1 and self._pieces[1][0] <= position:
            self._pieces.popleft()
