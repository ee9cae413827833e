# SPDX-License-Identifier: Apache-2.0
"""A slot that a producer lends out, to be filled in place; and the metadata that goes with each frame."""

from __future__ import annotations

import errno
from struct import Struct
from struct import error as StructError  # noqa: N812
from types import TracebackType

from ._handle import check_fits
from .codec import Codec
from .errors import HandleClosed
from .frame import Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, Self

    from .producer import Producer

MOST_RESERVED = 5  # bytes of the metadata
MOST_BYTES = 0xFFFFFFFF  # the largest uint32_t; no slot is that large

# video_frame_meta_t: timestamp_ms, size, sequence, is_keyframe, codec, width, height, fps, reserved. Packing them
# costs a fraction of filling in a ctypes structure.
_META = Struct("@QII?BHHB5s4x")
_TIME = Struct("@Q")  # its first field
_TIME_SIZE = _TIME.size
_TIMING = Struct("@QII")  # video_frame_timing_t: capture_ns, flags, reserved
_KEYFRAME, _RECOVERY_POINT = int(Flag.KEYFRAME), int(Flag.RECOVERY_POINT)
_OF_NO_FLAG = ~sum(map(int, Flag))


def pack_meta(
    keyframe: bool, codec: int, width: int, height: int, fps: int, timestamp_ms: int, reserved: bytes = b""
) -> bytes:
    """Return a frame's video_frame_meta_t. Raises ValueError: an argument is out of range; TypeError."""
    try:
        if len(reserved) > MOST_RESERVED:
            raise ValueError(f"reserved={reserved!r}: has at most {MOST_RESERVED} bytes")
        return _META.pack(timestamp_ms, 0, 0, keyframe, codec, width, height, fps, reserved)
    except StructError:
        check_fits(0, 255, codec=codec, fps=fps)
        check_fits(0, 65535, width=width, height=height)
        check_fits(0, 2**64 - 1, timestamp_ms=timestamp_ms)
        raise TypeError(f"reserved={reserved!r}: must be bytes") from None


def pack_times(meta: bytes, timestamp_ms: int, keyframe: bool, capture_ns: int, flags: int) -> tuple[bytes, bytes]:
    """Return a video_frame_meta_t with another time, and the video_frame_timing_t that goes with it.

    Raises ValueError: an argument is out of range.
    """
    if flags & _OF_NO_FLAG:
        raise ValueError(f"flags={flags!r}: has bits of no Flag")
    if flags & _RECOVERY_POINT and not keyframe:
        raise ValueError("flags: RECOVERY_POINT needs keyframe=True")
    try:
        return _TIME.pack(timestamp_ms) + meta[_TIME_SIZE:], _TIMING.pack(capture_ns, flags & ~_KEYFRAME, 0)
    except StructError:
        check_fits(0, 2**64 - 1, timestamp_ms=timestamp_ms, capture_ns=capture_ns)
        raise


class Reservation:
    """A slot to write into, and a context manager that gives the slot back unless commit() was called.

    Do not write through arrays made from data after commit(): the slot then belongs to the readers, who would get torn
    frames. Such arrays never fault, whatever becomes of the producer.

    Attributes:
        capacity: size of the slot in bytes.
    """

    def __init__(self, producer: Producer, data: memoryview) -> None:
        self._producer = producer
        self._data: memoryview | None = data
        self.capacity = len(data)

    @property
    def data(self) -> memoryview:
        """The slot: uint8, capacity bytes, writable. Raises HandleClosed once it was committed or given back."""
        if self._data is None:
            raise HandleClosed(errno.EBADF, self._producer.ring, "the reserved slot was committed or given back")
        return self._data

    def commit(
        self,
        size: int,
        *,
        keyframe: bool = False,
        codec: int = Codec.H264,
        width: int = 0,
        height: int = 0,
        fps: int = 0,
        timestamp_ms: int = 0,
        reserved: bytes = b"",
        capture_ns: int = 0,
        flags: int = 0,
    ) -> None:
        """Publish the first size bytes of the slot as a frame.

        Args:
            size: bytes of payload.
            keyframe: whether decoding can start at this frame.
            codec: a Codec.
            width: width in pixels.
            height: height in pixels.
            fps: frames per second.
            timestamp_ms: wall-clock time of capture, ms since the epoch; 0 is now.
            reserved: up to five bytes: of a raw picture its rows and colour, from picture_layout(); else your own.
            capture_ns: time of capture, ns of CLOCK_MONOTONIC; 0 is now.
            flags: bits of Flag. RECOVERY_POINT needs keyframe=True; a library older than that flag leaves it out.

        Raises:
            FrameTooLarge: size is larger than the slot.
            ValueError: size is 0, or an argument is out of range.
            VideoShmError: a raw picture, and the ring has version 1's 30 slots of 512 KiB (EINVAL).
            HandleClosed: the slot was committed or given back already.
        """
        if self._data is None:
            raise HandleClosed(errno.EBADF, self._producer.ring, "the reserved slot was committed or given back")
        meta = pack_meta(keyframe, codec, width, height, fps, 0, reserved)
        meta, timing = pack_times(meta, timestamp_ms, keyframe, capture_ns, flags)
        if size <= 0:
            raise ValueError(f"size={size}: a frame has at least one byte")
        self._producer._commit(min(size, MOST_BYTES), meta, timing)
        self._data = None

    def abort(self) -> None:
        """Give the slot back without publishing it. After commit(), or a second time, this does nothing."""
        if self._data is not None:
            self._producer._abort()
            self._data = None  # not before, for a signal handler may raise meanwhile

    def __reduce__(self) -> NoReturn:
        raise TypeError("a reserved slot can't be copied or pickled, since it lies in the ring: take bytes(slot.data)")

    def __del__(self) -> None:
        if hasattr(self, "_data"):  # else a signal handler has raised while it was made
            self.abort()  # dropped without its block, as where one raises between reserve() and the block

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()
