# SPDX-License-Identifier: Apache-2.0
"""Finds NAL units in a byte stream (ITU-T H.264 and H.265, annex B), and knows their types (table 7-1 of both)."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..codec import Codec

START_CODE = b"\0\0\1"
_find = re.compile(rb"\x00\x00\x01").search  # takes half the time of bytes.find()
MAX_NALS = 1 << 16  # of an access unit; the standards allow fewer slices


class Nal(NamedTuple):
    """A NAL unit in a byte stream, with its offsets in the bytes.

    Attributes:
        kind: nal_unit_type.
        layer: nuh_layer_id of H.265, else 0.
        begin: offset of the start code, including a zero_byte before it.
        header: offset of the first byte after the start code.
        end: offset of the next NAL unit, or of the end of the bytes.
    """

    kind: int
    layer: int
    begin: int
    header: int
    end: int


@dataclass(frozen=True)
class Syntax:
    """How the NAL units of a codec are told apart.

    Attributes:
        header: size of the NAL unit header in bytes.
        slices: types of slices that may be the first of a picture.
        parameter_sets: types of parameter sets.
    """

    header: int
    slices: frozenset[int]
    parameter_sets: frozenset[int]

    def kind(self, first: int) -> int:
        """Return the type of a NAL unit from the first byte of its header."""
        return first & 0x1F if self.header == 1 else first >> 1 & 0x3F


SYNTAXES: dict[int, Syntax] = {
    Codec.H264: Syntax(1, frozenset({1, 2, 5}), frozenset({7, 8, 13, 15})),
    # Without the reserved slice types, which a decoder ignores.
    Codec.H265: Syntax(2, frozenset({*range(10), *range(16, 22)}), frozenset({32, 33, 34})),
}


def syntax_of(codec: Codec) -> Syntax:
    """Return the syntax of a codec. Raises ValueError if the codec has no NAL units."""
    if codec not in SYNTAXES:
        raise ValueError(f"codec={codec.name}: it has no NAL units; H.264 and H.265 have")
    return SYNTAXES[codec]


def find_start(data: bytes | bytearray, begin: int = 0) -> int:
    """Return the offset of the first start code from an offset on, or -1."""
    found = _find(data, begin)
    return found.start() if found is not None else -1


def pattern_of(codec: int, kinds: Container[int]) -> re.Pattern[bytes]:
    """Return a pattern by which one search finds out whether any NAL unit is of one of these types."""
    firsts = [first for first in range(256) if SYNTAXES[codec].kind(first) in kinds]
    return re.compile(rb"\x00\x00\x01[%s]" % b"".join(b"\\x%02x" % first for first in firsts))


def nal_units(data: bytes | bytearray, codec: int) -> Iterator[Nal]:
    """Yield the NAL units in data that have a whole header, in order. Without a start code, as in JPEG, there are none.

    After MAX_NALS start codes it stops: no access unit has so many.
    """
    syntax, left = SYNTAXES.get(codec), MAX_NALS
    at = find_start(data) if syntax is not None else -1
    while at >= 0 and syntax is not None and left:
        left -= 1
        header = at + len(START_CODE)
        following = find_start(data, header)
        end = len(data) if following < 0 else following - (data[following - 1] == 0 and following > header)
        if end - header >= syntax.header:
            layer = 0 if syntax.header == 1 else (data[header] & 1) << 5 | data[header + 1] >> 3
            begin = at - 1 if at and data[at - 1] == 0 else at
            yield Nal(syntax.kind(data[header]), layer, begin, header, end)
        at = following
