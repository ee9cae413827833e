# SPDX-License-Identifier: Apache-2.0
"""Access units, and where one ends and the next begins: ITU-T H.264 clause 7.4.1.2, H.265 clause 7.4.2.4.4."""

from __future__ import annotations

import enum
from typing import NamedTuple, Protocol, Self

from ..codec import Codec
from . import h264_slice
from .errors import StreamError
from .nal import SYNTAXES


class EntryPoint(enum.Enum):
    """Whether decoding can begin at a picture, and how.

    IDR: everything that follows can be decoded. RECOVERY_POINT: pictures that are shown before this one may be missing
    (open GOP), or the picture becomes whole gradually (intra refresh). H.264 marks it by a recovery point SEI message,
    H.265 also by CRA and BLA pictures. When decoding begins at a CRA or BLA picture, the RASL pictures after it (types
    8 and 9) can't be decoded, and decoders skip them. Without a mark, as with the intra refresh of x265, a picture is
    no entry point.
    """

    NONE = 0
    IDR = 1
    RECOVERY_POINT = 2


class AccessUnit(NamedTuple):
    """One picture with all NAL units that belong to it, as a decoder takes it, or one audio frame."""

    data: bytes
    entry: EntryPoint

    @property
    def keyframe(self) -> bool:
        """Whether decoding can begin at this access unit."""
        return self.entry is not EntryPoint.NONE


class Place(enum.Enum):
    """What a NAL unit does to the access unit before it.

    FIRST: a slice that begins a picture. SLICE: another slice of the picture, or of its second field. MIDDLE: a slice
    of another picture, the first slice of which is missing. OPENER: it precedes the slices of a picture. DELIMITER: an
    access unit delimiter. END: the last NAL unit of a sequence. TRAILING: it follows the slices that it belongs to.
    """

    FIRST = enum.auto()
    SLICE = enum.auto()
    MIDDLE = enum.auto()
    OPENER = enum.auto()
    DELIMITER = enum.auto()
    END = enum.auto()
    TRAILING = enum.auto()


class Delimiter(Protocol):
    """Finds the place of each NAL unit of a stream, which are given to it one by one.

    Attributes:
        whole: whether the first slice of the current picture has come.
        lone_field: whether the current picture is a field, so that the second field may follow.
    """

    whole: bool
    lone_field: bool

    def learn(self, nal: bytes) -> None:
        """Take a whole parameter set."""

    def place(self, head: bytes) -> Place:
        """Return the place of a NAL unit, given its first bytes. Raises StreamError if they do not tell."""

    def end_picture(self) -> None:
        """End the current picture: the next slice begins another one, whatever its header says."""

    def copy(self) -> Self:
        """Return a copy with the same state."""


class H264Delimiter:
    """Delimits H.264. Without parameter sets, a picture begins at a slice whose first macroblock does not rise."""

    _OPENERS = frozenset({6, 7, 8, 13, 14, 15, 16, 17, 18})

    def __init__(self) -> None:
        self.whole = self.lone_field = False
        self._sets = h264_slice.Sets()
        self._last: h264_slice.SliceHeader | None = None
        self._places: set[tuple[int, int]] = set()  # colour plane and first macroblock of each slice of the picture

    def copy(self) -> Self:
        """Return a copy with the same state."""
        other = type(self)()
        other.whole, other.lone_field, other._last = self.whole, self.lone_field, self._last
        other._sets = h264_slice.Sets(dict(self._sets.sps), dict(self._sets.pps))
        other._places = set(self._places)
        return other

    def learn(self, nal: bytes) -> None:
        """Take a whole parameter set."""
        self._sets.learn(nal)

    def end_picture(self) -> None:
        """End the current picture: the next slice begins another one, whatever its header says."""
        self._last, self.lone_field, self.whole = None, False, False

    def place(self, head: bytes) -> Place:
        """Return the place of a NAL unit, given its first bytes. Raises StreamError if they do not tell."""
        kind = head[0] & 0x1F
        if kind in SYNTAXES[Codec.H264].slices:
            return self._place_slice(head)
        if kind in self._OPENERS:
            return Place.OPENER
        if kind == 9:
            return Place.DELIMITER
        return Place.END if kind in (10, 11) else Place.TRAILING

    def _place_slice(self, head: bytes) -> Place:
        header = self._sets.read_slice(head)
        if header.redundant:
            return Place.SLICE
        last, self._last = self._last, header
        sps = self._sets.sps_of(header.pps_id)
        in_order = sps is None or not (sps.any_slice_order or sps.separate_planes)
        place = Place.SLICE
        if last is None or self._begins_picture(header, last, in_order):
            second = last is not None and self.lone_field and header.completes(last)
            self.lone_field = header.field and not second
            self._places.clear()
            if not second:
                self.whole = False
                place = Place.MIDDLE if in_order and header.first_mb > 0 else Place.FIRST
        self._places.add((header.plane, header.first_mb))
        self.whole = self.whole or header.first_mb == 0
        return place

    def _begins_picture(self, header: h264_slice.SliceHeader, last: h264_slice.SliceHeader, in_order: bool) -> bool:
        """Return whether a slice begins a picture by clause 7.4.1.2.4, or since it repeats a macroblock of the picture.

        Some encoders break that clause. If slices come in order, a slice that is further down and differs in nothing
        but its picture parameter set belongs to the same picture: in another picture it would not be the first.
        """
        if in_order:
            return header.first_mb <= last.first_mb or header._replace(pps_id=last.pps_id).differs(last)
        return header.differs(last) or (header.plane, header.first_mb) in self._places


class H265Delimiter:
    """Delimits H.265. Pictures of other layers belong to their base picture (annex F)."""

    _OPENERS = frozenset({32, 33, 34, 39, *range(41, 45), *range(48, 56)})

    def __init__(self) -> None:
        self.whole = self.lone_field = False

    def copy(self) -> Self:
        """Return a copy with the same state."""
        other = type(self)()
        other.whole = self.whole
        return other

    def learn(self, nal: bytes) -> None:
        """Do nothing: pictures are told apart without parameter sets."""

    def end_picture(self) -> None:
        """End the current picture: the next slice begins another one, whatever its header says."""
        self.whole = False

    def place(self, head: bytes) -> Place:
        """Return the place of a NAL unit, given its first bytes. Raises StreamError if they do not tell."""
        kind, layer = head[0] >> 1 & 0x3F, (head[0] & 1) << 5 | head[1] >> 3
        if layer > 0:
            return Place.TRAILING
        if kind in SYNTAXES[Codec.H265].slices:
            if len(head) < 3:
                raise StreamError("a slice that is cut off")
            if head[2] & 0x80:  # first_slice_segment_in_pic_flag
                self.whole = True
                return Place.FIRST
            return Place.SLICE if self.whole else Place.MIDDLE
        if kind in self._OPENERS:
            return Place.OPENER
        if kind == 35:
            return Place.DELIMITER
        return Place.END if kind in (36, 37) else Place.TRAILING
