# SPDX-License-Identifier: Apache-2.0
"""NAL units in a byte stream (ITU-T H.264 and H.265, annex B), and what their types mean (tables 7-1 of both)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..frame import Codec

START_CODE = b"\0\0\1"
MAX_NALS = 1 << 16  # of an access unit: more than the standards allow slices


class Nal(NamedTuple):
    """A NAL unit in a byte stream; the offsets are from the beginning of the bytes.

    kind: nal_unit_type. layer: nuh_layer_id of H.265, else 0. begin: of its start code, with a zero_byte in front of
    it. header: of the first byte behind the start code. end: where the next one begins, or where the bytes end.
    """

    kind: int
    layer: int
    begin: int
    header: int
    end: int


@dataclass(frozen=True)
class Syntax:
    """What tells NAL units of a codec apart, by their type.

    header: bytes. slices: those that may be the first of a picture.
    """

    header: int
    slices: frozenset[int]
    parameter_sets: frozenset[int]

    def kind(self, first: int) -> int:
        """The type, from the first byte of the header."""
        return first & 0x1F if self.header == 1 else first >> 1 & 0x3F


SYNTAXES: dict[int, Syntax] = {
    Codec.H264: Syntax(1, frozenset({1, 2, 5}), frozenset({7, 8, 13, 15})),
    # Slices of types that are reserved are nobody's: a decoder passes over them.
    Codec.H265: Syntax(2, frozenset({*range(10), *range(16, 22)}), frozenset({32, 33, 34})),
}


def syntax_of(codec: Codec) -> Syntax:
    """Raises ValueError: the codec has no NAL units."""
    if codec not in SYNTAXES:
        raise ValueError(f"codec={codec.name}: it has no NAL units; H.264 and H.265 have")
    return SYNTAXES[codec]


def nal_units(data: bytes | bytearray, codec: int) -> Iterator[Nal]:
    """The NAL units in data that have a header, in order. None where there is no start code, as in JPEG.

    What is behind MAX_NALS start codes is no access unit's, and is passed over.
    """
    syntax, left = SYNTAXES.get(codec), MAX_NALS
    at = data.find(START_CODE) if syntax is not None else -1
    while at >= 0 and syntax is not None and left:
        left -= 1
        header = at + len(START_CODE)
        following = data.find(START_CODE, header)
        end = len(data) if following < 0 else following - (data[following - 1] == 0 and following > header)
        if end - header >= syntax.header:
            layer = 0 if syntax.header == 1 else (data[header] & 1) << 5 | data[header + 1] >> 3
            begin = at - 1 if at and data[at - 1] == 0 else at
            yield Nal(syntax.kind(data[header]), layer, begin, header, end)
        at = following
