# SPDX-License-Identifier: Apache-2.0
"""Frames that tell their number at both ends, so that a torn one is seen."""

from __future__ import annotations

import random
import struct

from .peer import Buffer

FILLER = 2**64 - 1  # number of a frame that does not count: look at the board
_MARK = struct.Struct("<Q")
_SEED = 7


class Payload:
    """The same bytes for every peer, but for the number."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(random.Random(_SEED).randbytes(size))

    def numbered(self, number: int) -> bytearray:
        """The frame of that number; the one before is no more."""
        _MARK.pack_into(self.data, 0, number)
        _MARK.pack_into(self.data, len(self.data) - _MARK.size, number)
        return self.data


def number_of(data: Buffer, size: int) -> int | None:
    """The number of a frame of that size; None: it is not as it was sent."""
    if len(data) != size:
        return None
    (number,) = _MARK.unpack_from(data, 0)
    return number if _MARK.unpack_from(data, size - _MARK.size)[0] == number else None
