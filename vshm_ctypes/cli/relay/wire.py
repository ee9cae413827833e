# SPDX-License-Identifier: Apache-2.0
"""What goes over the network, little-endian. A stranger may send anything: sizes, versions and values are checked.

A unit is a sample whose payload is the access unit, with the 72 bytes of Header as its attachment. lib/doc/RELAY.md
describes all messages.
"""

from __future__ import annotations

import json
from struct import Struct
from typing import Any, NamedTuple

from ...frame import Flag, Media
from ...inspect import MAX_SLOTS
from .keys import WIRE_VERSION

MAGIC = b"VSHR"
UNIT, END = 0, 1  # kinds of a message
# magic, version, kind, codec, fps, flags, width, height, size, epoch, number, sequence, capture_ns, publish_ns,
# timestamp_ms, reserved
_HEADER = Struct("<4sBBBBIHHIIQQQQQ5s3x")
HEADER_SIZE = _HEADER.size
KNOWN_FLAGS = sum(Flag)
MOST_SLOT_SIZE = 256 << 20
MOST_TEXT = 4096
_CLOCK = Struct("<Q")
_CLOCKS = Struct("<QQ")
_LATEST_NS = 2**62  # 146 years after a board's start


class Refused(ValueError):
    """A stranger sent something that is not of this protocol. The text says what."""


class Header(NamedTuple):
    """What comes with each unit.

    Attributes:
        kind: UNIT, or END, whose sequence is how many units were sent, and number how many frames the ring had.
        codec: as in the ring; width, height, fps, timestamp_ms, size likewise.
        flags: bits of Flag.
        epoch: of the ring.
        number: the frame number in the ring of the source.
        sequence: 0 for the first unit that was sent in this run, then one more each.
        capture_ns: by the source's CLOCK_MONOTONIC; 0: not known.
        publish_ns: likewise.
        reserved: five bytes, which tell the layout of a raw picture.
    """

    kind: int
    codec: int
    fps: int
    flags: int
    width: int
    height: int
    size: int
    epoch: int
    number: int
    sequence: int
    capture_ns: int
    publish_ns: int
    timestamp_ms: int
    reserved: bytes = bytes(5)

    @property
    def is_keyframe(self) -> bool:
        """Whether decoding can start at the unit."""
        return bool(self.flags & Flag.KEYFRAME)

    def pack(self) -> bytes:
        """Return the attachment."""
        return _HEADER.pack(MAGIC, WIRE_VERSION, *self)

    @classmethod
    def parse(cls, attachment: bytes, size: int) -> Header:
        """Parse the attachment of a payload of size bytes. Raises Refused."""
        if len(attachment) != HEADER_SIZE:
            raise Refused(f"an attachment of {len(attachment)} bytes: {HEADER_SIZE} were expected")
        magic, version, *fields = _HEADER.unpack(attachment)
        header = cls._make(fields)
        if magic != MAGIC or version != WIRE_VERSION or header.kind not in (UNIT, END):
            raise Refused("an attachment of another program, or of another version")
        if header.size != size:
            raise Refused(f"a unit of {size} bytes that says it has {header.size}")
        if header.kind == UNIT and not 0 < size <= MOST_SLOT_SIZE:
            raise Refused(f"a unit of {size} bytes")
        if max(header.capture_ns, header.publish_ns) > _LATEST_NS:
            raise Refused("a time that no clock has")
        if header.flags & Flag.RECOVERY_POINT and not header.is_keyframe:
            raise Refused("a recovery point that is no keyframe")
        return header._replace(flags=header.flags & KNOWN_FLAGS)


class About(NamedTuple):
    """What an exporter tells of a ring.

    Attributes:
        slots: number of slots.
        slot_size: bytes of a slot.
        media: a Media.
        epoch: of the ring.
        codec: of the last unit; None if there was none. width, height and fps likewise.
    """

    slots: int
    slot_size: int
    media: Media
    epoch: int
    codec: int | None = None
    width: int = 0
    height: int = 0
    fps: int = 0

    @property
    def ring_bytes(self) -> int:
        """The payload of all slots."""
        return self.slots * self.slot_size

    def pack(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(self._asdict()).encode()

    @classmethod
    def parse(cls, text: bytes) -> About:
        """Parse what a stranger said. Raises Refused."""
        if len(text) > MOST_TEXT:
            raise Refused(f"a description of {len(text)} bytes")
        try:
            told = json.loads(text)
            codec = None if told["codec"] is None else _number(told["codec"], 0, 255)
            return cls(
                _number(told["slots"], 2, MAX_SLOTS),
                _number(told["slot_size"], 1, MOST_SLOT_SIZE),
                Media(_number(told["media"], 0, max(Media))),
                _number(told["epoch"], 0, 0xFFFFFFFF),
                codec,
                *(_number(told[name], 0, 0xFFFF) for name in ("width", "height", "fps")),
            )
        except (ValueError, TypeError, KeyError, RecursionError):
            raise Refused("a description that is none of a ring") from None


def _number(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError("out of range")
    return value


def pack_count(count: int) -> bytes:
    """Return how many units an importer has heard, or a time in ns."""
    return _CLOCK.pack(count)


def parse_count(data: bytes) -> int:
    """Parse it. Raises Refused."""
    if len(data) != _CLOCK.size:
        raise Refused("a message of another size")
    return int(_CLOCK.unpack(data)[0])


def pack_clocks(arrived_ns: int, answered_ns: int) -> bytes:
    """Return an exporter's answer: when the question came, and when the answer left, by its CLOCK_MONOTONIC."""
    return _CLOCKS.pack(arrived_ns, answered_ns)


def parse_clocks(data: bytes) -> tuple[int, int]:
    """Parse it. Raises Refused."""
    if len(data) != _CLOCKS.size:
        raise Refused("a message of another size")
    arrived_ns, answered_ns = _CLOCKS.unpack(data)
    if not arrived_ns <= answered_ns <= _LATEST_NS:
        raise Refused("times that are none")
    return arrived_ns, answered_ns
