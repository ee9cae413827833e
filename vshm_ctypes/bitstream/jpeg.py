# SPDX-License-Identifier: Apache-2.0
"""Finds a JPEG picture in a buffer, checks that it is whole, and adds the tables that a decoder needs.

Sources: ITU-T T.81, annexes B (markers, segments) and K.3 (tables); OpenDML AVI File Format Extensions 1.02, "Motion
JPEG DIB Format" (APP0 with "AVI1"; a picture without Huffman tables uses the standard ones).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .errors import StreamError
from .jpeg_header import check_header, marker_behind, quantization_tables
from .jpeg_tables import STANDARD_TABLES, huffman_segment

_SOI, _EOI, _SOS, _DQT, _DNL, _DHT, _APP0 = 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xC4, 0xE0
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM and RSTm: markers without a segment
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {_DHT, 0xC8, 0xCC})  # SOFn
_SEGMENTS = frozenset({*_FRAMES, _DHT, 0xCC, _SOS, _DQT, _DNL, 0xDD, *range(0xE0, 0xF0), 0xFE})
_SEQUENTIAL, _LOSSLESS = frozenset({0xC0, 0xC1}), frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_ARITHMETIC = frozenset(range(0xC9, 0xD0))
_FILL = re.compile(rb"\xff+")
# Where a picture begins: behind start and end markers with nothing in between, which some capture devices put in front.
_BEGIN = re.compile(rb"(?:\xff+[\xd8\xd9])*(\xff+\xd8)")
# A marker that ends entropy-coded data: not a stuffed byte, TEM, a restart marker, or a fill byte before a marker.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")


class Segment(NamedTuple):
    """A marker segment: the offset of its marker (at), and of its parameters (begin to end)."""

    marker: int
    at: int
    begin: int
    end: int


@dataclass(slots=True)
class JpegPicture:
    """What the markers of a picture say.

    Attributes:
        begin: offset of the picture in the buffer.
        end: offset behind the picture.
        width: width in pixels.
        height: height in pixels.
        is_field: whether it has every other line only; a buffer of interlaced Motion JPEG holds two such pictures.
        is_bottom_field: whether it has the even lines, counted from 1.
        frame: the frame header.
        first_scan: the header of the first scan.
        late_height: whether the height comes after the first scan, in a DNL segment.
        missing_tables: Huffman tables that scans use and the picture lacks, as (class, destination).
        header: the segments up to the header of the first scan.
        stray: begin and end of bytes between these segments that belong to none.
    """

    begin: int
    end: int = 0
    width: int = 0
    height: int = 0
    is_field: bool = False
    is_bottom_field: bool = False
    frame: Segment | None = None
    first_scan: Segment | None = None
    late_height: bool = False
    missing_tables: set[tuple[int, int]] = field(default_factory=set)
    header: list[Segment] = field(default_factory=list)
    stray: list[tuple[int, int]] = field(default_factory=list)
    _components: dict[int, int] = field(default_factory=dict)  # each with its quantization table
    _tables: set[tuple[int, int]] = field(default_factory=set)
    _quantization: set[int] = field(default_factory=set)

    def take(self, segment: Segment, body: bytes) -> None:
        """Take the next segment, with its parameters. Raises StreamError."""
        if self.first_scan is None:
            behind = self.header[-1].end if self.header else self.begin + 2
            self.stray += [(behind, segment.at)] if segment.at > behind else []
            self.header.append(segment)
        if segment.marker in _FRAMES:
            self._take_frame(segment, body)
        elif segment.marker == _SOS:
            self._take_scan(segment, body)
        elif segment.marker == _DHT:
            self._tables |= _huffman_tables(body)
        elif segment.marker == _DQT:
            self._quantization |= quantization_tables(body)
        elif segment.marker == _DNL and self.height == 0 and self.frame is not None:
            if len(body) != 2:
                raise _damaged(f"a number of lines of {len(body)} bytes")
            self.height, self.late_height = int.from_bytes(body, "big"), True
        elif segment.marker == _APP0 and body.startswith(b"AVI1"):
            self.is_field, self.is_bottom_field = body[4:5] in (b"\1", b"\2"), body[4:5] == b"\2"
        self.end = segment.end

    def _take_frame(self, segment: Segment, body: bytes) -> None:
        """Take a frame header, SOFn (B.2.2)."""
        if self.frame is not None:
            raise _damaged("two frame headers; hierarchical JPEG is not supported")
        if len(body) < 6 or len(body) != 6 + 3 * body[5] or body[5] == 0:
            raise _damaged(f"a frame header of {len(body)} bytes")
        self.frame = segment
        self.height, self.width = struct.unpack_from(">HH", body, 1)
        if self.width == 0:
            raise _damaged("a width of 0")
        for identifier, sampling, table in struct.iter_unpack("BBB", body[6:]):
            if not (1 <= sampling >> 4 <= 4 and 1 <= sampling & 15 <= 4):
                raise _damaged(f"a sampling factor of {sampling >> 4}x{sampling & 15}")
            self._components[identifier] = table

    def _take_scan(self, segment: Segment, body: bytes) -> None:
        """Take a scan header, SOS (B.2.3), and check that the picture has the tables that it uses."""
        if self.frame is None:
            raise _damaged("a scan in front of the frame header")
        if not body or len(body) != 4 + 2 * body[0] or body[0] == 0:
            raise _damaged(f"a scan header of {len(body)} bytes")
        parts = [*struct.iter_unpack("BB", body[1:-3])]
        if not {identifier for identifier, _ in parts} <= self._components.keys():
            raise _damaged("a scan of components that the frame does not have")
        used = {self._components[identifier] for identifier, _ in parts}  # others may come before a later scan
        if self.frame.marker not in _LOSSLESS and not used <= self._quantization:
            if self._quantization:
                raise _damaged("it lacks a quantization table")
            raise StreamError("a JPEG picture without quantization tables: no decoder can read it by itself")
        if self.frame.marker in _SEQUENTIAL:
            named = {table for _, places in parts for table in ((0, places >> 4), (1, places & 15))}
            self.missing_tables |= named - self._tables
            standard = self.missing_tables <= STANDARD_TABLES
        else:
            standard = bool(self._tables) or self.frame.marker in _ARITHMETIC
        if not standard:
            raise StreamError("a JPEG picture without its Huffman tables, and there are no standard ones for it")
        self.first_scan = self.first_scan or segment


def whole_jpeg(data: bytes) -> bytes:
    """Return the first picture in data in a form that every decoder accepts, without the bytes that follow it.

    Bytes between the segments of its header that belong to none are cut, missing Huffman tables are replaced by the
    standard ones, and a height that comes after the first scan is copied into the frame header. Raises StreamError if
    data is no JPEG picture, or one that is cut off or damaged.
    """
    picture = read_jpeg(data)
    assert picture.frame is not None
    assert picture.first_scan is not None
    if not (picture.missing_tables or picture.late_height or picture.stray):
        return data if (picture.begin, picture.end) == (0, len(data)) else data[picture.begin : picture.end]
    lines, scan = picture.frame.begin + 1, picture.first_scan.at
    tables = huffman_segment(sorted(picture.missing_tables)) if picture.missing_tables else b""
    head = bytearray(data[:lines] + struct.pack(">H", picture.height) + data[lines + 2 : scan])
    for begin, end in reversed([(0, picture.begin), *picture.stray]):
        del head[begin:end]
    return bytes(head) + tables + data[scan : picture.end]


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of the first picture in data from its headers alone, or None if they do not tell."""
    begin = _BEGIN.match(data)
    try:
        for segment in _segments(data, begin.end() if begin is not None else len(data)):
            if segment.marker in _FRAMES:
                height, width = struct.unpack_from(">HH", data[segment.begin : segment.end], 1)
                return (width, height) if width and height else None
    except (StreamError, struct.error):
        pass
    return None


def read_jpeg(data: bytes) -> JpegPicture:
    """Return what the markers of the first picture in data say. Raises StreamError."""
    begin = _BEGIN.match(data)
    if begin is None:
        raise StreamError("not a JPEG picture: it does not begin with a start marker")
    picture = JpegPicture(begin.end() - 2)
    for segment in _segments(data, begin.end()):
        picture.take(segment, data[segment.begin : segment.end])
    if picture.first_scan is None:
        raise _damaged("it has no scan")
    if picture.height == 0:
        raise _damaged("a height of 0")
    if picture.stray:
        _check_stray(data, picture)
    return picture


def _check_stray(data: bytes, picture: JpegPicture) -> None:
    """Raise StreamError if bytes between the segments come of a part that is missing."""
    assert picture.frame is not None
    assert picture.first_scan is not None
    frame, scan = picture.frame, picture.first_scan
    lacks_some = bool(picture.missing_tables) and any(segment.marker == _DHT for segment in picture.header)
    if lacks_some or frame.marker not in _SEQUENTIAL:
        raise _damaged(f"bytes of no segment at byte {picture.stray[0][0]}")
    bodies = [(segment.marker, data[segment.begin : segment.end]) for segment in picture.header]
    check_header(bodies, data[scan.end : picture.end])


def _damaged(what: str) -> StreamError:
    return StreamError(f"a damaged JPEG picture: {what}")


def _cut_off(what: str) -> StreamError:
    return StreamError(f"a JPEG picture that is cut off: {what}")


def _segments(data: bytes, at: int) -> Iterator[Segment]:
    """Yield the segments after the start marker, up to and including the end marker; skip entropy-coded data."""
    in_header = True
    while True:
        fill = _FILL.match(data, at)
        if fill is None and at < len(data):
            near = marker_behind(data, at) if in_header else None
            if near is None:
                raise _damaged(f"no marker at byte {at}")
            at = near
            continue
        if fill is None or fill.end() == len(data):
            raise _cut_off("it has no end marker")
        marker, begin = data[fill.end()], fill.end() + 1
        if marker == _EOI:
            yield Segment(marker, at, begin, begin)
            return
        if marker in _ALONE:
            at = begin
            continue
        if marker == _SOI:
            raise _cut_off(f"another one begins in it, at byte {at}")
        if marker not in _SEGMENTS:
            raise _damaged(f"no decoder knows the marker FF{marker:02X} at byte {at}")
        length = int.from_bytes(data[begin : begin + 2], "big")
        if length < 2 and begin + 2 <= len(data):
            raise _damaged(f"a segment of {length} bytes at byte {at}")
        if begin + max(length, 2) > len(data):
            raise _cut_off("in the middle of a segment")
        yield Segment(marker, at, begin + 2, begin + length)
        at = begin + length
        if marker == _SOS:
            in_header = False
            end = _END_OF_SCAN.search(data, at)
            if end is None:
                raise _cut_off("it has no end marker")
            at = end.start()


def _huffman_tables(body: bytes) -> set[tuple[int, int]]:
    """Return (class, destination) of each table in a DHT segment (B.2.4.2)."""
    tables, at = set(), 0
    while at < len(body):
        kind, place = body[at] >> 4, body[at] & 15
        at += 17 + sum(body[at + 1 : at + 17])
        if kind > 1 or place > 3 or at > len(body):
            raise _damaged("its Huffman tables make no sense")
        tables.add((kind, place))
    return tables
