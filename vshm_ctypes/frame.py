# SPDX-License-Identifier: Apache-2.0
"""A frame: its bytes, its metadata, and when it was captured and published."""

from __future__ import annotations

import enum
from struct import Struct

from .audio import AudioFormat, audio_format
from .codec import codec_name
from .picture import PictureLayout, layout_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple

    from numpy import uint8
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    Array = NDArray[uint8]
else:
    from ._named_tuple import NamedTuple


class Media(enum.IntEnum):
    """The kind of stream that a ring carries."""

    VIDEO = 0
    AUDIO = 1


class Flag(enum.IntFlag):
    """Properties of a frame, as bits.

    KEYFRAME: decoding can start here. DISCONTINUITY: the stream was interrupted before this frame. CORRUPT: the source
    reported damage. CAPTURE_DRIVER: the driver told the time of capture. RECOVERY_POINT: a keyframe that is not an IDR
    picture.
    """

    KEYFRAME = 1
    DISCONTINUITY = 2
    CORRUPT = 4
    CAPTURE_DRIVER = 8
    RECOVERY_POINT = 16


_KEYFRAME, _DISCONTINUITY, _RECOVERY_POINT = int(Flag.KEYFRAME), int(Flag.DISCONTINUITY), int(Flag.RECOVERY_POINT)


class FrameMeta(NamedTuple):
    """The metadata of a frame. For an audio frame, width, height and fps mean something else: see audio.

    Attributes:
        timestamp_ms: wall-clock time of capture, ms since the epoch.
        size: size of the payload in bytes.
        sequence: sequence number, the low 32 bits of the frame number.
        is_keyframe: whether decoding can start at the frame.
        codec: a Codec, or the number of one that this version does not know.
        width: width in pixels.
        height: height in pixels.
        fps: frames per second, rounded.
        reserved: five bytes: of a raw picture its rows and colour, which layout tells; else the program's own.
    """

    timestamp_ms: int
    size: int
    sequence: int
    is_keyframe: bool
    codec: int
    width: int
    height: int
    fps: int
    reserved: bytes = bytes(5)

    @property
    def audio(self) -> AudioFormat | None:
        """Sample rate, channels and samples of an audio frame; None for a picture."""
        return audio_format(self.codec, self.width, self.height, self.fps)

    @property
    def layout(self) -> PictureLayout | None:
        """Planes, strides and colour of a raw picture; None for any other frame. Raises BrokenPicture."""
        return layout_of(self.codec, self.width, self.height, self.size, self.reserved)


# video_shm_view_t: struct_size, flags, address, offset, number, capture_ns, publish_ns, missed_before, attachment, then
# the metadata. It is unpacked when a field is first read, which most readers do once the frame is on its way.
_VIEW = Struct("@IIPQQQQQQQII?BHHB5s")
ViewFields = tuple[int, ...]  # but for reserved, the last, which is bytes
_FLAGS, _NUMBER, _CAPTURE_NS, _PUBLISH_NS, _MISSED_BEFORE = 1, 4, 5, 6, 7
_META = 9
_TIMESTAMP_MS, _SIZE, _SEQUENCE, _CODEC, _WIDTH, _HEIGHT, _FPS, _RESERVED = 9, 10, 11, 13, 14, 15, 16, 17


class Described:
    """The metadata of a frame, wherever its bytes are."""

    __slots__ = ("_told",)

    def __init__(self, view: ViewFields) -> None:
        self._told: ViewFields | Buffer = view

    @property
    def _view(self) -> ViewFields:
        while not isinstance(told := self._told, tuple):
            fields = _VIEW.unpack_from(told)
            if self._told is told:  # else it was given back meanwhile, and what was read may be of the next frame
                self._told = fields
        return told

    @property
    def meta(self) -> FrameMeta:
        """The metadata as one tuple."""
        return FrameMeta._make(self._view[_META:])

    @property
    def number(self) -> int:
        """The frame number, 64 bits."""
        return self._view[_NUMBER]

    @property
    def capture_ns(self) -> int:
        """Time of capture (audio: of the first sample), ns of CLOCK_MONOTONIC; 0 from a version 1 producer."""
        return self._view[_CAPTURE_NS]

    @property
    def publish_ns(self) -> int:
        """Time of publication, ns of CLOCK_MONOTONIC; 0 from a version 1 producer."""
        return self._view[_PUBLISH_NS]

    @property
    def missed_before(self) -> int:
        """How many frames this reader missed between the frame that it read before and this one."""
        return self._view[_MISSED_BEFORE]

    @property
    def flags(self) -> Flag:
        """All flags of the frame."""
        return Flag(self._view[_FLAGS])

    @property
    def size(self) -> int:
        """Size of the payload in bytes."""
        return self._view[_SIZE]

    @property
    def sequence(self) -> int:
        """The sequence number: the low 32 bits of the frame number."""
        return self._view[_SEQUENCE]

    @property
    def is_keyframe(self) -> bool:
        """Whether decoding can start at this frame."""
        return bool(self._view[_FLAGS] & _KEYFRAME)

    @property
    def is_recovery_point(self) -> bool:
        """Whether this is a keyframe but not an IDR picture, as far as its writer says.

        That is an H.264 picture with a recovery point SEI message, or an H.265 CRA or BLA picture. Some decoders, such
        as those of browsers, start at an IDR picture only.
        """
        return bool(self._view[_FLAGS] & _RECOVERY_POINT)

    @property
    def discontinuity(self) -> bool:
        """Whether the stream was interrupted before this frame: a restart, a reattach, or trouble at the source."""
        return bool(self._view[_FLAGS] & _DISCONTINUITY)

    @property
    def codec(self) -> int:
        """A Codec, or the number of one that this version does not know."""
        return self._view[_CODEC]

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self._view[_WIDTH]

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self._view[_HEIGHT]

    @property
    def fps(self) -> int:
        """Frames per second, rounded."""
        return self._view[_FPS]

    @property
    def audio(self) -> AudioFormat | None:
        """Sample rate, channels and samples of an audio frame; None for a picture."""
        return audio_format(self._view[_CODEC], self._view[_WIDTH], self._view[_HEIGHT], self._view[_FPS])

    @property
    def layout(self) -> PictureLayout | None:
        """Planes, strides and colour of a raw picture; None for any other frame.

        Raises BrokenPicture if the frame has not the size that its metadata tells, or can't be such a picture.
        """
        view = self._view
        reserved: bytes = view[_RESERVED]  # type: ignore[assignment]
        return layout_of(view[_CODEC], view[_WIDTH], view[_HEIGHT], view[_SIZE], reserved)

    @property
    def timestamp_ms(self) -> int:
        """Wall-clock time of capture (audio: of the first sample), ms since the epoch."""
        return self._view[_TIMESTAMP_MS]


class WithData(Described):
    """A frame whose bytes can be looked at."""

    __slots__ = ()
    data: Any

    def array(self) -> Array:
        """Return a raw picture as a numpy array of uint8, which shares the frame's memory and is read-only.

        Its shape is, with all padding behind rows left out:

        - (height, width, 3) for RGB24 and BGR24,
        - (height, width) for GREY,
        - (height, width, 2) for YUYV,
        - (height * 3 / 2, width) for NV12 and I420, chroma below luma;

        these are what OpenCV's cvtColor takes. Odd widths of YUYV and NV12 are rounded up. The array of a borrowed
        frame keeps the ring's memory mapped: after the block it may change, but never faults.

        Raises:
            ValueError: the frame is no raw picture (Pictures decodes those), or one of I420 with padding or odd sides.
            BrokenPicture: the frame has not the size that its metadata tells.
            ModuleNotFoundError: numpy is not installed.
        """
        from .pictures.arrays import array_of

        return array_of(self.codec, self.layout, self.data)

    def planes(self) -> tuple[Array, ...]:
        """Return the planes of a raw picture as numpy arrays of uint8, which share the frame's memory as array() does.

        They are Y (height, width) and UV (height / 2, width / 2, 2) of NV12; Y (height, width), U and V (height / 2,
        width / 2) of I420, halves rounded up; the one that array() returns for the others. Raises what array() does,
        but takes every I420.
        """
        from .pictures.arrays import planes_of

        return planes_of(self.codec, self.layout, self.data)


class Frame(WithData):
    """An access unit (a whole picture with its parameter sets), a raw picture, or an audio frame. It owns its bytes.

    Attributes:
        data: the payload, bytes of length size.
    """

    __slots__ = ("data",)

    data: bytes

    def __init__(self, view: ViewFields, data: bytes) -> None:
        self._told = view
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __bytes__(self) -> bytes:
        return self.data

    def __repr__(self) -> str:
        kind = "keyframe" if self.is_keyframe else "frame"
        what = self.audio or f"{self.width}x{self.height}"
        return f"<{kind} {self.number}: {self.size} bytes, {codec_name(self.codec)}, {what}>"


def dated(frame: Frame, capture_ns: int) -> Frame:
    """Return the frame with another time of capture, ns of CLOCK_MONOTONIC."""
    view = frame._view
    return Frame((*view[:_CAPTURE_NS], capture_ns, *view[_CAPTURE_NS + 1 :]), frame.data)
