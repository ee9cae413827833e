# SPDX-License-Identifier: Apache-2.0
"""What the verb and its muxer, a child process, say to each other: frames one way, lines of text the other."""

from __future__ import annotations

import json
from struct import Struct
from typing import BinaryIO, NamedTuple

from ...frame import Frame

_HEAD = Struct("<IIBB17Q")  # bytes of payload, number of the ring, marks, bytes of what follows the 17 numbers, numbers
_GAP, _LEAP = 1, 2
MOST_BYTES = 1 << 30


class Order(NamedTuple):
    """What the muxer is told first: it never stands on a command line, which others can see.

    Attributes:
        address: where to.
        rings: their names.
        authorities: file of the certificates that rtsps:// trusts; None: the system's.
    """

    address: str
    rings: list[str]
    authorities: str | None = None


class Message(NamedTuple):
    """A frame for the muxer.

    Attributes:
        ring: its index among the rings.
        has_gap: frames were left out before it.
        has_leap: from here on, the ring's times of capture are other ones.
        frame: the frame.
    """

    ring: int
    has_gap: bool
    has_leap: bool
    frame: Frame


def packed(message: Message) -> bytes:
    """Return the bytes in front of the payload."""
    frame = message.frame
    marks = _GAP * message.has_gap | _LEAP * message.has_leap
    numbers, rest = frame._view[:17], b"".join(bytes(part) for part in frame._view[17:])
    return _HEAD.pack(len(frame.data), message.ring, marks, len(rest), *map(int, numbers)) + rest


def read_message(stream: BinaryIO) -> Message | None:
    """Return the next frame, or None at the end. Raises ValueError if the stream is damaged."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    size, index, marks, more, *numbers = _HEAD.unpack(head)
    if size > MOST_BYTES:
        raise ValueError("a frame of an impossible size")
    rest, data = stream.read(more), stream.read(size)
    if len(data) < size:
        return None
    view = (*numbers, rest) if rest else tuple(numbers)
    return Message(index, bool(marks & _GAP), bool(marks & _LEAP), Frame(view, data))


def order_line(order: Order) -> bytes:
    """Return the first line for the muxer."""
    return json.dumps(order._asdict()).encode() + b"\n"


def read_order(stream: BinaryIO) -> Order:
    """Return what the first line says."""
    return Order(**json.loads(stream.readline()))
