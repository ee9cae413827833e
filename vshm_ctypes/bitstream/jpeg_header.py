# SPDX-License-Identifier: Apache-2.0
"""Checks a JPEG picture's header: its tables, and bytes between its segments that belong to none.

Some cameras leave such bytes, as Logitech's C270 does, and decoders pass over them. What a lost packet leaves looks
alike: a segment that takes its missing bytes from those behind it, and the rest of the one that it ended in. But that
one is gone, and what was read into the first one fits ill.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .errors import StreamError

MOST_STRAY = 32  # bytes before a marker; cameras leave a few
_MARKER = re.compile(rb"\xff+[^\x00\xff]")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_DHT, _DRI = 0xC4, 0xDD


def marker_behind(data: bytes, at: int) -> int | None:
    """Return the offset of the next marker, or None if there is none so near that those bytes may be a habit."""
    found = _MARKER.search(data, at, at + MOST_STRAY + 2)
    return found.start() if found is not None else None


def check_header(bodies: Iterable[tuple[int, bytes]], coded: bytes) -> None:
    """Raise StreamError if a header that has stray bytes lacks a segment, or has one that took bytes of another.

    bodies: marker and parameters of each segment. coded: what follows the header.
    """
    restarts = False
    for marker, body in bodies:
        if marker == _DHT:
            _check_codes(body)
        elif marker == _DRI:
            if len(body) != 2:
                raise _torn()
            restarts = any(body)
    if not restarts and _RESTART.search(coded) is not None:
        raise _torn()


def _torn() -> StreamError:
    return StreamError("a damaged JPEG picture: a part of its header is missing")


def quantization_tables(body: bytes) -> set[int]:
    """Return the destination of each table in a DQT segment (B.2.4.1). Raises StreamError if it is no such segment."""
    tables, at = set[int](), 0
    while at < len(body):
        wide, place = body[at] >> 4, body[at] & 15
        values = body[at + 1 : at + 65 + 64 * wide]
        steps = values if not wide else [high | low for high, low in zip(values[::2], values[1::2], strict=False)]
        if wide > 1 or place > 3 or len(values) != 64 << wide or not all(steps):  # 0 is no step
            raise _torn()
        tables.add(place)
        at += 1 + len(values)
    return tables


def _check_codes(body: bytes) -> None:
    """Raise StreamError if a table in a DHT segment has more codes than there are, or a value twice (B.2.4.2, C)."""
    at = 0
    while at < len(body):
        counts = body[at + 1 : at + 17]
        values = body[at + 17 : at + 17 + sum(counts)]
        room = sum(count << (16 - bits) for bits, count in enumerate(counts, 1))
        if room > 1 << 16 or len(set(values)) != len(values):
            raise _torn()
        at += 17 + len(values)
