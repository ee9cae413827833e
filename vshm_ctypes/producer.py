# SPDX-License-Identifier: Apache-2.0
"""The writer of a ring."""

from __future__ import annotations

import errno
import os
import sys
from _thread import get_ident
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ctypes import POINTER, byref, c_uint8, c_uint32, c_uint64, get_errno
from math import inf
from time import monotonic, sleep

from ._handle import Handle, check_fits
from ._left_open import close_at_end
from ._library import AtOnce, frame_call, keeps_others_out, library
from ._structs import Info, Meta, ProducerHandle, ProducerOptions, Timing
from ._timed import IS_ONE_CALL, write_timed, write_timed_at_once
from .codec import RAW_CODECS, Codec
from .errors import HandleClosed, VideoShmError, error_for
from .frame import Flag, Media
from .identity import Identity
from .info import RingInfo
from .log import escaped, raise_escaped
from .reservation import MOST_BYTES, Reservation, pack_meta, pack_times
from .rings import Ring, name_bytes
from .views import NO_OBJECTS, map_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Buffer

_CODEC_AT = Meta.codec.offset
# Frames of up to this many bytes are written while other threads are kept out, which saves all that lets them in and
# knows of them. Even at 1 GB/s that takes a tenth of the 5 ms after which Python's threads take turns.
_MOST_AT_ONCE = 512 * 1024 if keeps_others_out() else 0
_MOST_TIMED_AT_ONCE = _MOST_AT_ONCE if IS_ONE_CALL else 0
_write = frame_call("video_shm_producer_write")
_write_at_once = frame_call("video_shm_producer_write", AtOnce)


# Refers to the start of a buffer. Of an array of no elements, for ctypes makes a dictionary for one that has some.
_start_of = (c_uint8 * 0).from_buffer


def _located(data: Buffer) -> tuple[Any, int]:
    """Return what ctypes takes for the address of a buffer, and its size in bytes."""
    view = memoryview(data)
    if view.format == "O":
        raise TypeError(NO_OBJECTS)
    # ctypes takes no address of a buffer that is read-only, but of bytes it does.
    return view.tobytes() if view.readonly else _start_of(view), view.nbytes


class Producer(Handle):
    """Writes the frames of a ring. A ring has one producer at a time.

    Args:
        ring: channel number, NAME or /NAME; None is /video_stream.
        channel: channel number, an alternative to ring.
        slots: number of slots, 2 to 4096.
        slot_size: bytes of payload that fit into a slot, up to 256 MiB.
        mode: permission bits of the shared memory object.
        media: kind of stream.

    Raises:
        ProducerBusy: another producer holds the ring; its pid is in the exception.
        RingFull: /dev/shm has no room for the ring.
        IncompatibleRing: an object of that name is not a ring.
        ValueError: an argument is out of range.
        VideoShmError: any other failure.
    """

    _patience_s = inf  # with calls of other threads, while it is closed
    _ended_by = 0  # id of the thread that closed it at the interpreter's end

    def __init__(
        self,
        ring: Ring = None,
        *,
        channel: int | None = None,
        slots: int = 30,
        slot_size: int = 512 * 1024,
        mode: int = 0o660,
        media: Media = Media.VIDEO,
    ) -> None:
        super().__init__(ring, channel)
        check_fits(2, 4096, slots=slots)
        check_fits(1, 256 << 20, slot_size=slot_size)
        if not 0 < mode <= 0o777:
            raise ValueError(f"mode={mode:#o}: permission bits, up to 0o777")
        self._handle = ProducerHandle()
        self._reference = byref(self._handle)
        self._packed: tuple[Any, bytes] = None, b""  # the metadata of the last frame, and what they were packed from
        self._mapped: memoryview | None = None
        self._mapped_of: Identity | None = None
        self.slot_size = slot_size
        options = ProducerOptions(
            slots=slots, slot_size=slot_size, mode=mode, media=Media(media), name=name_bytes(self.ring)
        )
        self._open_with(library.video_shm_producer_open, options, slots * slot_size)
        close_at_end(self)
        raise_escaped()

    def write(
        self,
        data: Buffer,
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
    ) -> bool:
        """Copy one access unit, or one raw picture, into the next slot and wake the readers. Never waits.

        Args:
            data: the payload, bytes-like and contiguous.
            keyframe: whether decoding can start at this frame.
            codec: a Codec.
            width: width in pixels.
            height: height in pixels.
            fps: frames per second.
            timestamp_ms: wall-clock time of capture, ms since the epoch; 0 is now.
            reserved: up to five bytes: of a raw picture its rows and colour, from picture_layout(); else your own.
            capture_ns: time of capture, ns of CLOCK_MONOTONIC; 0 is now.
            flags: bits of Flag. RECOVERY_POINT needs keyframe=True; a library older than that flag leaves it out.

        Returns:
            True, or False if the ring was busy and the frame was dropped and counted.

        Raises:
            FrameTooLarge: data does not fit into a slot.
            RingTaken: the ring's name now belongs to somebody else's ring.
            RingFull: the ring's name was removed, and /dev/shm has no room to make it anew.
            ValueError: data is empty, or an argument is out of range.
            VideoShmError: a raw picture, and the ring has version 1's 30 slots of 512 KiB (EINVAL).
            HandleClosed: the producer is closed.
        """
        described, (last, meta) = (keyframe, codec, width, height, fps, reserved), self._packed
        if described != last:
            meta = self._pack(described)
        kind = type(data)
        first: Any = data
        if kind is bytes:
            size = len(first)
        elif kind is bytearray:
            first, size = _start_of(first), len(first)
        else:
            first, size = _located(data)
        if timestamp_ms or capture_ns or flags:
            meta, timing = pack_times(meta, timestamp_ms, keyframe, capture_ns, flags)
            if size <= _MOST_TIMED_AT_ONCE and self._open:
                result = write_timed_at_once(self._reference, first, size, meta, timing)
            else:
                result = self._write_beside_others(first, size, meta, timing)
        elif size <= _MOST_AT_ONCE and self._open:  # asked last: between here and the call no other thread can close it
            result = _write_at_once(self._reference, first, size, meta)
        else:
            result = self._write_beside_others(first, size, meta)
        if escaped:
            raise_escaped()
        if result < 0:
            self._check_open()
            raise self._error(get_errno(), size, meta) if size else ValueError("a frame has at least one byte")
        return result == 0

    def _write_beside_others(self, first: Any, size: int, meta: bytes, timing: bytes | None = None) -> int:
        """Write while other threads run, which have to know of it."""
        calls, thread = self._others, get_ident()
        try:
            calls.append(thread)  # as _call() does, but for half the cost of all the rest
            if not self._open:
                self._check_open()
            if timing is not None and 0 < size <= self.slot_size:
                return write_timed(self._reference, first, size, meta, timing)
            # Any other size is refused, and counted, whatever its times are.
            return _write(self._reference, first, size if size <= MOST_BYTES else MOST_BYTES, meta)
        finally:
            if thread in calls:  # else a signal handler has raised before
                calls.remove(thread)

    def _pack(self, described: tuple[Any, ...]) -> bytes:
        """Return a frame's video_frame_meta_t without a time, and keep it: few frames differ from the one before."""
        keyframe, codec, width, height, fps, reserved = described
        meta = pack_meta(keyframe, codec, width, height, fps, 0, reserved)
        if all(isinstance(field, (int, bytes)) for field in described):  # what never changes
            self._packed = described, meta
        return meta

    def _error(self, error: int, size: int = 0, meta: bytes = b"") -> VideoShmError:
        message = None
        if error == errno.EOWNERDEAD:
            return HandleClosed(error, self.ring, "this producer belongs to the parent process: open another one")
        if error == errno.EMSGSIZE:
            message = f"a frame of {size} bytes does not fit into a slot of {self.slot_size}"
            message += ": raise slot_size, or lower the bitrate"
        if error == errno.EINVAL and meta and meta[_CODEC_AT] in RAW_CODECS:
            message = "a ring of 30 slots of 512 KiB takes no raw pictures, because version 1 programs would read it"
            message += ": use another number or size of slots"
        if error == errno.EBUSY:
            message = "a slot is reserved already, or a version 1 program holds the ring: commit or abort, or try later"
        return error_for(error, self.ring, message)

    def reserve(self) -> Reservation:
        """Return the next slot, for an encoder to write into.

        Raises ProducerBusy if a slot is reserved already, RingTaken, RingFull, HandleClosed.
        """
        data, capacity, offset = POINTER(c_uint8)(), c_uint32(), c_uint64()
        with self._call():
            try:
                library.video_shm_producer_reserve(self._reference, byref(data), byref(capacity))
                slots = self._map(library.video_shm_producer_descriptor(self._reference, byref(offset)))
                return Reservation(self, slots[offset.value : offset.value + capacity.value])
            except BaseException as error:
                if data:  # the slot is reserved; also a signal handler may have raised
                    library.video_shm_producer_abort(self._reference)
                elif isinstance(error, VideoShmError):
                    raise self._error(error.errno or 0) from None
                raise

    def _map(self, descriptor: int) -> memoryview:
        identity = Identity.of(os.fstat(descriptor))
        if self._mapped is None or self._mapped_of != identity:
            self._mapped = map_object(descriptor, writable=True)
            self._mapped_of = identity
        return self._mapped

    def _commit(self, size: int, meta: bytes, timing: bytes) -> None:
        described, timed = byref(Meta.from_buffer_copy(meta)), Timing.from_buffer_copy(timing)
        with self._call():
            try:
                library.video_shm_producer_commit(self._reference, size, described, byref(timed))
            except VideoShmError as error:
                if error.errno != errno.EINVAL or not timed.flags & Flag.RECOVERY_POINT:
                    raise self._error(error.errno or 0, size, meta) from None
                # A library older than this flag refuses it, and leaves the reservation as it was.
                timed.flags &= ~Flag.RECOVERY_POINT
                self._commit(size, meta, bytes(timed))

    def _abort(self) -> None:
        with suppress(HandleClosed), self._call():
            library.video_shm_producer_abort(self._reference)

    def info(self) -> RingInfo:
        """Return the figures of the ring. Raises HandleClosed."""
        info = Info()
        with self._call():
            try:
                library.video_shm_producer_info(self._reference, byref(info))
            except VideoShmError as error:
                raise self._error(error.errno or 0) from None
        return RingInfo.of(info)

    @contextmanager
    def _call(self) -> Iterator[None]:
        """Register a call: several threads may be in calls at once, and close() waits for them to end."""
        calls, thread = self._others, get_ident()
        try:
            calls.append(thread)  # first, then check whether it is open; close() does the opposite
            self._check_open()
            yield
            raise_escaped()
        finally:
            if thread in calls:  # else a signal handler has raised before
                calls.remove(thread)

    def _destroy(self) -> None:
        begun = monotonic()
        while any(thread != get_ident() for thread in tuple(self._others)):
            if sys.is_finalizing() or monotonic() - begun > self._patience_s:  # the other threads never run again
                return
            sleep(0.0001)
        self._mapped = None
        library.video_shm_producer_destroy(self._reference)

    def _check_open(self) -> None:
        if self._ended_by not in (0, get_ident()):
            raise SystemExit  # a moment later the interpreter would end this thread as quietly
        super()._check_open()
