# SPDX-License-Identifier: Apache-2.0
"""A frame as Python has it: its bytes, its metadata, and when it was captured and published."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Codec(enum.IntEnum):
    """How the payload is encoded."""

    H264 = 0
    H265 = 1
    JPEG = 2
    AV1 = 3
    PCM_S16LE = 64
    AAC = 65
    OPUS = 66


class Media(enum.IntEnum):
    """What a ring carries."""

    VIDEO = 0
    AUDIO = 1


class Flag(enum.IntFlag):
    """What else is known of a frame."""

    KEYFRAME = 1
    DISCONTINUITY = 2
    CORRUPT = 4
    CAPTURE_DRIVER = 8


class FrameMeta(NamedTuple):
    """A frame's metadata.

    timestamp_ms: wall clock of capture, ms since the epoch. size: bytes. sequence: low 32 bits of the frame number.
    width, height: pixels. fps: frames per second, rounded.
    """

    timestamp_ms: int
    size: int
    sequence: int
    is_keyframe: bool
    codec: int
    width: int
    height: int
    fps: int


class Described:
    """What is known of a frame, wherever its bytes are.

    number: frame number, 64 bits. capture_ns, publish_ns: CLOCK_MONOTONIC; 0 from a version 1 producer.
    missed_before: frames this reader missed since the one before. flags: Flag.
    """

    __slots__ = ("capture_ns", "flags", "meta", "missed_before", "number", "publish_ns")

    def __init__(
        self,
        meta: FrameMeta,
        number: int,
        capture_ns: int = 0,
        publish_ns: int = 0,
        missed_before: int = 0,
        flags: int = 0,
    ) -> None:
        self.meta = meta
        self.number = number
        self.capture_ns = capture_ns
        self.publish_ns = publish_ns
        self.missed_before = missed_before
        self.flags = flags

    @property
    def size(self) -> int:
        """Bytes of payload."""
        return self.meta.size

    @property
    def sequence(self) -> int:
        """Low 32 bits of the frame number."""
        return self.meta.sequence

    @property
    def is_keyframe(self) -> bool:
        """Whether decoding can start here."""
        return bool(self.flags & Flag.KEYFRAME)

    @property
    def discontinuity(self) -> bool:
        """Whether what came before does not lead to this frame: a restart, a reattach, trouble at the source."""
        return bool(self.flags & Flag.DISCONTINUITY)

    @property
    def codec(self) -> int:
        """A Codec, or a number that this version does not know."""
        return self.meta.codec

    @property
    def width(self) -> int:
        """Pixels."""
        return self.meta.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self.meta.height

    @property
    def fps(self) -> int:
        """Frames per second, rounded."""
        return self.meta.fps

    @property
    def timestamp_ms(self) -> int:
        """Wall clock of capture, ms since the epoch."""
        return self.meta.timestamp_ms


class Frame(Described):
    """One access unit: a whole picture with its parameter sets. Owns its bytes; data: bytes of length size."""

    __slots__ = ("data",)

    def __init__(
        self,
        data: bytes,
        meta: FrameMeta,
        number: int,
        capture_ns: int = 0,
        publish_ns: int = 0,
        missed_before: int = 0,
        flags: int = 0,
    ) -> None:
        super().__init__(meta, number, capture_ns, publish_ns, missed_before, flags)
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __bytes__(self) -> bytes:
        return self.data

    def __repr__(self) -> str:
        kind = "keyframe" if self.is_keyframe else "frame"
        return f"<{kind} {self.number}: {self.size} bytes, codec {self.codec}, {self.width}x{self.height}>"
