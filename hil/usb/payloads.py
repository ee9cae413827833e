# SPDX-License-Identifier: Apache-2.0
"""The payloads of a picture: its bytes in pieces, each behind a header (USB Video Class, 2.4.3.2 and 2.4.3.3)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

FRAME_ID, END, HAS_PTS, HAS_SCR, ERROR, END_OF_HEADER = 0x01, 0x02, 0x04, 0x08, 0x40, 0x80
MOST_HEADER_BYTES = 12


class Stamps(NamedTuple):
    """Times in a header, in ticks of the camera's clock, each None if it is left out.

    pts: presentation time, the same in all headers of a picture. scr: the clock when the payload is sent, and the
    number of the bus's frame then.
    """

    pts: int | None
    scr: tuple[int, int] | None


def header(bits: int, stamps: Stamps) -> bytes:
    """Return a header. bits: FRAME_ID, END and ERROR."""
    data = b""
    if stamps.pts is not None:
        bits |= HAS_PTS
        data += struct.pack("<I", stamps.pts & 0xFFFFFFFF)
    if stamps.scr is not None:
        bits |= HAS_SCR
        data += struct.pack("<IH", stamps.scr[0] & 0xFFFFFFFF, stamps.scr[1] & 0x7FF)
    return bytes([2 + len(data), bits | END_OF_HEADER]) + data


def payloads(data: bytes, size: int, frame_id: int, stamps: Iterator[Stamps]) -> list[bytes]:
    """Return a picture's payloads of at most size bytes, the last of which ends it; one without data if it is empty.

    frame_id: 0 or 1. stamps: of each payload.
    """
    room = size - MOST_HEADER_BYTES
    pieces = [data[at : at + room] for at in range(0, len(data), room)] or [b""]
    last = len(pieces) - 1
    return [header(frame_id | END * (at == last), next(stamps)) + piece for at, piece in enumerate(pieces)]


def with_bits(payload: bytes, add: int = 0, remove: int = 0) -> bytes:
    """Return the payload with bits of its header changed."""
    return payload[:1] + bytes([(payload[1] | add) & ~remove]) + payload[2:]
