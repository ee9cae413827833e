# SPDX-License-Identifier: Apache-2.0
"""Frames with their number at the start and a mark of it at the end, as in the gate, so that torn ones are detected."""

from __future__ import annotations

import random
import struct

from .peer import Buffer

FILLER = 2**64 - 1  # number of a frame that does not count, but makes receivers read the progress words
_WORD = struct.Struct("<Q")
_SEED = 7


def mark(number: int, at: int) -> int:
    """Return the mark of a frame at an offset, as in hil/blocks/worker/payload.h."""
    return ((number + 1) * 0x9E3779B97F4A7C15 ^ at * 0xC2B2AE3D27D4EB4F) % 2**64


class Payload:
    """The same bytes for every peer, except for number and mark."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(random.Random(_SEED).randbytes(size))

    def numbered(self, number: int) -> bytearray:
        """Return the frame of that number, in the same memory as the previous one."""
        _WORD.pack_into(self.data, 0, number)
        _WORD.pack_into(self.data, len(self.data) - _WORD.size, mark(number, len(self.data)))
        return self.data


def number_of(data: Buffer, size: int) -> int | None:
    """Return the number of a frame of that size, or None if it is not as it was sent."""
    if len(data) != size:
        return None
    (number,) = _WORD.unpack_from(data, 0)
    return number if _WORD.unpack_from(data, size - _WORD.size)[0] == mark(number, size) else None
