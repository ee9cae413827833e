# SPDX-License-Identifier: Apache-2.0
"""A camera that gives access units in buffers of any kind, and what an assembler made of them."""

import functools
import itertools
from collections.abc import Sequence

import pytest
from encoded import encoded

from hil.streamer.sources.source import Captured
from hil.streamer.sources.unit_assembler import UnitAssembler
from vshm_ctypes import Codec
from vshm_ctypes.bitstream import nal_units

BOTH = pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])


def pictures(codec: Codec) -> list[bytes]:
    return [data for data, _ in encoded(codec, "slices")]


SLICES = {Codec.H264: 4, Codec.H265: 2}  # of each picture


@functools.cache
def slice_places(data: bytes, codec: Codec) -> list[int]:
    """Where its slices begin."""
    kinds = range(1, 6) if codec == Codec.H264 else range(32)
    places = [nal.begin for nal in nal_units(data, codec) if nal.kind in kinds]
    assert len(places) == SLICES[codec]
    return places


def slices(data: bytes, codec: Codec) -> list[bytes]:
    """A piece for each slice, the first with all that stands in front of it."""
    places = slice_places(data, codec)
    return [data[begin:end] for begin, end in itertools.pairwise([0, *places[1:], len(data)])]


def halves(data: bytes, codec: Codec) -> list[bytes]:
    middle = slice_places(data, codec)[SLICES[codec] // 2]
    return [data[:middle], data[middle:]]


class Camera:
    """Numbers and dates its buffers: 1000 ns apart, beginning with 0."""

    def __init__(self, codec: Codec) -> None:
        self.assembler = UnitAssembler(codec)
        self.sequence = 0
        self.lost = False

    def give(self, *buffers: bytes | None) -> list[Captured]:
        """What comes of them. None: a buffer that the driver flags."""
        found = []
        for data in buffers:
            captured = Captured(self.sequence * 1000, sequence=self.sequence, discontinuity=self.lost)
            take = self.assembler.take
            found += self.assembler.lose(captured) if data is None else take(data, captured)
            self.sequence, self.lost = self.sequence + 1, False
        return found

    def lose(self, count: int = 1) -> None:
        """So many buffers never come."""
        self.sequence, self.lost = self.sequence + count, True


def units(found: Sequence[Captured]) -> list[tuple[bytes, int]]:
    """(access unit, number of the buffer) of those that are whole; each has the time of its buffer."""
    assert all(each.capture_ns == each.sequence * 1000 for each in found)
    assert all((each.unit is None) == each.bad for each in found)
    return [(each.unit.data, each.sequence) for each in found if each.unit is not None]


def breaks(found: Sequence[Captured]) -> list[int]:
    return [each.sequence for each in found if each.discontinuity and not each.bad]


def bad(found: Sequence[Captured]) -> list[int]:
    return [each.sequence for each in found if each.bad]
