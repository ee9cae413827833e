# SPDX-License-Identifier: Apache-2.0
"""A frame as Python has it: its bytes, its metadata, and when it was captured and published."""

from __future__ import annotations

import enum
from typing import NamedTuple

from .audio import AudioFormat, audio_format


class Codec(enum.IntEnum):
    """How the payload is encoded."""

    H264 = 0
    H265 = 1
    JPEG = 2
    AV1 = 3
    PCM_S16LE = 64
    AAC = 65
    OPUS = 66


def codec_name(codec: int) -> str:
    """In lower case; a codec that this version does not know shows as its number."""
    return Codec(codec).name.lower() if codec in set(Codec) else f"unknown codec {codec}"


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
    RECOVERY_POINT = 16


_KEYFRAME, _DISCONTINUITY, _RECOVERY_POINT = int(Flag.KEYFRAME), int(Flag.DISCONTINUITY), int(Flag.RECOVERY_POINT)


class FrameMeta(NamedTuple):
    """A frame's metadata.

    timestamp_ms: wall clock of capture, ms since the epoch. size: bytes. sequence: low 32 bits of the frame number.
    width, height: pixels. fps: frames per second, rounded. Of sound they mean something else: audio tells.
    """

    timestamp_ms: int
    size: int
    sequence: int
    is_keyframe: bool
    codec: int
    width: int
    height: int
    fps: int

    @property
    def audio(self) -> AudioFormat | None:
        """Sample rate, channels and samples of a frame of sound; None of a picture."""
        return audio_format(self.codec, self.width, self.height, self.fps)


# A view as the ring hands it out: struct_size, flags, address, offset, number, capture_ns, publish_ns, missed_before,
# attachment, then the metadata. Taken apart only where somebody asks: most readers want two or three of them.
ViewFields = tuple[int, ...]
_FLAGS, _NUMBER, _CAPTURE_NS, _PUBLISH_NS, _MISSED_BEFORE = 1, 4, 5, 6, 7
_META = 9
_TIMESTAMP_MS, _SIZE, _SEQUENCE, _CODEC, _WIDTH, _HEIGHT, _FPS = 9, 10, 11, 13, 14, 15, 16


class Described:
    """What is known of a frame, wherever its bytes are."""

    __slots__ = ("_view",)

    def __init__(self, view: ViewFields) -> None:
        self._view = view

    @property
    def meta(self) -> FrameMeta:
        """The metadata as one tuple."""
        return FrameMeta._make(self._view[_META:])

    @property
    def number(self) -> int:
        """Frame number, 64 bits."""
        return self._view[_NUMBER]

    @property
    def capture_ns(self) -> int:
        """When it was captured, CLOCK_MONOTONIC; of sound: its first sample. 0 from a version 1 producer."""
        return self._view[_CAPTURE_NS]

    @property
    def publish_ns(self) -> int:
        """When it was published, CLOCK_MONOTONIC; 0 from a version 1 producer."""
        return self._view[_PUBLISH_NS]

    @property
    def missed_before(self) -> int:
        """Frames that this reader missed since the one before."""
        return self._view[_MISSED_BEFORE]

    @property
    def flags(self) -> Flag:
        """What else is known."""
        return Flag(self._view[_FLAGS])

    @property
    def size(self) -> int:
        """Bytes of payload."""
        return self._view[_SIZE]

    @property
    def sequence(self) -> int:
        """Low 32 bits of the frame number."""
        return self._view[_SEQUENCE]

    @property
    def is_keyframe(self) -> bool:
        """Whether decoding can start here."""
        return bool(self._view[_FLAGS] & _KEYFRAME)

    @property
    def is_recovery_point(self) -> bool:
        """Whether it is a keyframe that is no IDR picture, as far as its writer told.

        An H.264 recovery point SEI, an H.265 CRA or BLA picture. Some decoders, browsers' among them, start at an IDR
        only.
        """
        return bool(self._view[_FLAGS] & _RECOVERY_POINT)

    @property
    def discontinuity(self) -> bool:
        """Whether what came before does not lead to this frame: a restart, a reattach, trouble at the source."""
        return bool(self._view[_FLAGS] & _DISCONTINUITY)

    @property
    def codec(self) -> int:
        """A Codec, or a number that this version does not know."""
        return self._view[_CODEC]

    @property
    def width(self) -> int:
        """Pixels."""
        return self._view[_WIDTH]

    @property
    def height(self) -> int:
        """Pixels."""
        return self._view[_HEIGHT]

    @property
    def fps(self) -> int:
        """Frames per second, rounded."""
        return self._view[_FPS]

    @property
    def audio(self) -> AudioFormat | None:
        """Sample rate, channels and samples of a frame of sound; None of a picture."""
        return audio_format(self._view[_CODEC], self._view[_WIDTH], self._view[_HEIGHT], self._view[_FPS])

    @property
    def timestamp_ms(self) -> int:
        """Wall clock of capture, ms since the epoch; of sound: of its first sample."""
        return self._view[_TIMESTAMP_MS]


class Frame(Described):
    """One access unit: a whole picture with its parameter sets, or a frame of sound. Owns its bytes.

    data: bytes of length size.
    """

    __slots__ = ("data",)

    def __init__(self, view: ViewFields, data: bytes) -> None:
        self._view = view
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __bytes__(self) -> bytes:
        return self.data

    def __repr__(self) -> str:
        kind = "keyframe" if self.is_keyframe else "frame"
        what = self.audio or f"{self.width}x{self.height}"
        return f"<{kind} {self.number}: {self.size} bytes, {codec_name(self.codec)}, {what}>"
