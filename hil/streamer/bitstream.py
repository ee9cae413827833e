# SPDX-License-Identifier: Apache-2.0
"""Encoded streams as a camera delivers them: where access units begin, which are key, and their parameter sets.

Sources: ITU-T H.264 7.4.1.2, H.265 7.4.2.4 and tables 7-1 (NAL unit types); ITU-T T.81 annex B (JPEG markers).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from vshm_ctypes import Codec

START_CODE = b"\0\0\1"
MAX_PENDING = 16 << 20  # bytes; a stream that has no access unit in so many is none


class StreamError(ValueError):
    """What came is no stream of that codec."""


class AccessUnit(NamedTuple):
    """One picture with all that belongs to it, as a decoder takes it."""

    data: bytes
    keyframe: bool


class Nal(NamedTuple):
    """A NAL unit in Annex B bytes. begin: of its start code; end: of its payload; both from the begin of the bytes."""

    kind: int
    first_slice: bool
    begin: int
    end: int


@dataclass(frozen=True)
class Syntax:
    """What tells NAL units of a codec apart, by their type."""

    header: int  # bytes
    pictures: frozenset[int]
    keys: frozenset[int]
    parameter_sets: tuple[int, ...]  # in the order in which a decoder wants them
    openers: frozenset[int]  # what begins an access unit once a picture was seen

    def kind(self, first: int) -> int:
        """The type, from the first byte of the header."""
        return first & 0x1F if self.header == 1 else first >> 1 & 0x3F


H264 = Syntax(
    header=1,
    pictures=frozenset({1, 2, 3, 4, 5}),
    keys=frozenset({5}),
    parameter_sets=(7, 8),
    openers=frozenset({6, 7, 8, 9, 14, 15, 16, 17, 18}),
)
H265 = Syntax(
    header=2,
    pictures=frozenset(range(32)),
    keys=frozenset(range(16, 24)),
    parameter_sets=(32, 33, 34),
    openers=frozenset({32, 33, 34, 35, 39, *range(41, 45), *range(48, 56)}),
)
SYNTAXES = {Codec.H264: H264, Codec.H265: H265}


def nal_units(data: bytes | bytearray, syntax: Syntax, begin: int = 0) -> Iterator[Nal]:
    """The NAL units that have a header in data, in order; the last one ends where data does."""
    at = data.find(START_CODE, begin)
    while at >= 0:
        header = at + len(START_CODE)
        following = data.find(START_CODE, header)
        end = len(data) if following < 0 else following
        if header + syntax.header < len(data) and end > header:
            # The first bit behind the header: first_mb_in_slice is 0, or first_slice_segment_in_pic_flag is set.
            first_slice = bool(data[header + syntax.header] & 0x80)
            start = at - 1 if at > begin and data[at - 1] == 0 else at
            yield Nal(syntax.kind(data[header]), first_slice, start, end)
        at = following


def is_keyframe(data: bytes, codec: Codec) -> bool:
    """Whether a decoder can begin with this access unit."""
    if codec == Codec.JPEG:
        return True
    syntax = SYNTAXES[codec]
    for nal in nal_units(data, syntax):
        if nal.kind in syntax.pictures:
            return nal.kind in syntax.keys
    return False


@dataclass
class Splitter:
    """Takes an H.264 or H.265 byte stream in pieces of any size, and gives whole access units.

    One is whole once the next one begins: it comes out a picture late, unless flush() says that it is over.
    """

    codec: Codec
    _pending: bytearray = field(default_factory=bytearray)
    _scanned: int = 0
    _has_picture: bool = False

    def feed(self, data: bytes) -> Iterator[AccessUnit]:
        """More bytes; the access units that they complete. Raises StreamError."""
        self._pending += data
        syntax = SYNTAXES[self.codec]
        while (end := self._next_boundary(syntax)) is not None:
            yield self._take(end)
        if len(self._pending) > MAX_PENDING:
            self._pending.clear()
            self._scanned, self._has_picture = 0, False
            raise StreamError(f"no end of an access unit in {MAX_PENDING} bytes: this is no {self.codec.name} stream")

    def flush(self) -> Iterator[AccessUnit]:
        """The stream is over: what is left, if it holds a picture."""
        if any(nal.kind in SYNTAXES[self.codec].pictures for nal in nal_units(self._pending, SYNTAXES[self.codec])):
            yield self._take(len(self._pending))
        self._pending.clear()
        self._scanned, self._has_picture = 0, False

    def _take(self, end: int) -> AccessUnit:
        data = bytes(self._pending[:end])
        del self._pending[:end]
        self._scanned, self._has_picture = 0, False
        return AccessUnit(data, is_keyframe(data, self.codec))

    def _next_boundary(self, syntax: Syntax) -> int | None:
        for nal in nal_units(self._pending, syntax, self._scanned):
            if self._has_picture and (nal.kind in syntax.openers or (nal.kind in syntax.pictures and nal.first_slice)):
                return nal.begin
            if nal.end == len(self._pending):  # it may go on: look at it again when more has come
                self._scanned = nal.begin
                return None
            self._has_picture = self._has_picture or nal.kind in syntax.pictures
            self._scanned = nal.end - 1  # a fourth byte of the next start code may lie there
        return None


@dataclass
class ParameterSets:
    """Remembers a stream's parameter sets, and puts them in front of keyframes that come without."""

    codec: Codec
    _sets: dict[int, bytes] = field(default_factory=dict)

    def learn(self, data: bytes) -> None:
        """From any piece of the stream, or from what the source says beforehand."""
        syntax = SYNTAXES[self.codec]
        for nal in nal_units(data, syntax):
            if nal.kind in syntax.parameter_sets:
                self._sets[nal.kind] = data[nal.begin : nal.end].rstrip(b"\0")

    def complete(self, unit: AccessUnit) -> AccessUnit:
        """The same access unit; a keyframe with parameter sets in front. Those that are unknown stay away."""
        if self.codec not in SYNTAXES:
            return unit
        self.learn(unit.data)
        if not unit.keyframe:
            return unit
        syntax = SYNTAXES[self.codec]
        there = {nal.kind for nal in nal_units(unit.data, syntax)}
        missing = [kind for kind in syntax.parameter_sets if kind not in there and kind in self._sets]
        if not missing:
            return unit
        return unit._replace(data=b"".join(self._sets[kind] for kind in missing) + unit.data)


def trim_jpeg(data: bytes) -> bytes:
    """A JPEG picture without what a camera leaves behind its end. Raises StreamError: it is none, or it is cut off."""
    if data[:2] != b"\xff\xd8":
        raise StreamError("no JPEG picture: it does not begin with a start marker")
    end = data.rfind(b"\xff\xd9")
    if end < 0:
        raise StreamError("a JPEG picture without an end marker: it is cut off")
    return data[: end + 2]
