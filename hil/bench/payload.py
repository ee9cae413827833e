# SPDX-License-Identifier: Apache-2.0
"""Frames that tell their number at the begin, and a mark of it at the end, as the gate's do: a torn one is seen."""

from __future__ import annotations

import random
import struct

from .peer import Buffer

FILLER = 2**64 - 1  # number of a frame that does not count: look at the progress words
_WORD = struct.Struct("<Q")
_SEED = 7


def mark(number: int, at: int) -> int:
    """What lies there of the frame of that number; as in hil/gate/worker/payload.h."""
    return ((number + 1) * 0x9E3779B97F4A7C15 ^ at * 0xC2B2AE3D27D4EB4F) % 2**64


class Payload:
    """The same bytes for every peer, but for the number."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(random.Random(_SEED).randbytes(size))

    def numbered(self, number: int) -> bytearray:
        """The frame of that number; the one before is no more."""
        _WORD.pack_into(self.data, 0, number)
        _WORD.pack_into(self.data, len(self.data) - _WORD.size, mark(number, len(self.data)))
        return self.data


def number_of(data: Buffer, size: int) -> int | None:
    """The number of a frame of that size; None: it is not as it was sent."""
    if len(data) != size:
        return None
    (number,) = _WORD.unpack_from(data, 0)
    return number if _WORD.unpack_from(data, size - _WORD.size)[0] == mark(number, size) else None
