# SPDX-License-Identifier: Apache-2.0
"""A reader of a ring."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Iterator
from ctypes import byref, c_uint32, string_at
from struct import Struct
from time import monotonic
from typing import Any, Literal, NoReturn

from ._handle import Handle
from ._library import library
from ._structs import ConsumerHandle, ConsumerOptions, Info, View
from .errors import HandleClosed, ProducerClosed, VideoShmError
from .frame import Frame, FrameMeta
from .info import RingInfo
from .rings import Ring, ring_name
from .views import BorrowedFrame, Mapping

Start = Literal["next", "newest", "oldest", "keyframe"]
Policy = Literal["every", "newest", "keyframes"]

_STARTS = {"next": 0, "newest": 1, "oldest": 2, "keyframe": 3}
_POLICIES = {"every": 0, "newest": 1, "keyframes": 2}
_NO_WAIT = 0xFFFFFFFF
_SLICE_S = 0.25  # a signal that comes just before the sleep is noticed when the slice ends

# struct_size, flags, data, offset, frame, capture_ns, publish_ns, missed_before, attachment, then the metadata:
# one look instead of one attribute of a ctypes struct after the other.
_VIEW = Struct("@IIPQQQQQQQII?BHHB")
_acquire = library.video_shm_consumer_acquire
_release = library.video_shm_consumer_release


class Interrupted(VideoShmError):
    """interrupt() ended the wait (EINTR)."""

    advice = "interrupt() was called"


class Consumer(Handle):
    """A reader at a place of its own; never slows the producer. Frames come in order, each once.

    ring: channel number, name or /name; None is /video_stream. start: the first frame: the next one written, the
    newest, oldest or last keyframe in the ring. policy: every frame, the newest only, or keyframes only. resync:
    after a gap in H.264 or H.265, nothing until the next keyframe. reconnect: go over to the ring's successor
    when it ends. max_slot_size: refuse rings with larger slots; 0 takes any. Raises ProducerNotRunning,
    IncompatibleRing, ValueError, VideoShmError (EACCES).
    """

    def __init__(
        self,
        ring: Ring = None,
        *,
        channel: int | None = None,
        start: Start = "next",
        policy: Policy = "every",
        resync: bool = False,
        reconnect: bool = False,
        max_slot_size: int = 0,
    ) -> None:
        super().__init__(ring_name(ring if channel is None else channel))
        if start not in _STARTS or policy not in _POLICIES:
            raise ValueError(f"start is one of {', '.join(_STARTS)}; policy one of {', '.join(_POLICIES)}")
        self._handle = ConsumerHandle()
        self._reference = byref(self._handle)
        self._view = View()
        self._view_reference = byref(self._view)
        self._view_bytes = memoryview(self._view).cast("B")
        self._mapping: Mapping | None = None
        self._borrowed: BorrowedFrame | None = None
        self._interrupted = False
        self._closing = False
        self.reconnect = reconnect
        options = ConsumerOptions(
            start=_STARTS[start],
            policy=_POLICIES[policy],
            resync=resync,
            reconnect=reconnect,
            max_slot_size=max_slot_size,
            name=self.ring.encode(),
        )
        try:
            library.video_shm_consumer_open(self._reference, byref(options))
        except VideoShmError as error:
            raise type(error)(error.errno or 0, self.ring) from None
        self._open = True

    # ---- waiting ----

    def _give_up(self) -> NoReturn:
        self._interrupted = False
        if self._closing:
            raise HandleClosed(errno.EBADF, self.ring)
        raise Interrupted(errno.EINTR, self.ring)

    def _goes_on(self, error: VideoShmError) -> bool:
        if error.errno == errno.EINTR:  # Python has run its signal handlers by now, which may have raised
            if self._interrupted:
                self._give_up()
            return True
        return self.reconnect and error.errno in (errno.EPIPE, errno.EOWNERDEAD)

    def _find(self, timeout: float | None) -> bool:
        """Get the next frame into self._view. False: none within timeout seconds."""
        self._check_open()
        if self._borrowed is not None:
            raise VideoShmError(errno.EBUSY, self.ring, "a borrowed frame is out: leave its with block first")
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            left = _SLICE_S if deadline is None else min(deadline - monotonic(), _SLICE_S)
            try:
                if _acquire(
                    self._reference,
                    self._view_reference,
                    max(1, round(left * 1000)) if left > 0 else _NO_WAIT,
                ):
                    return True
            except VideoShmError as error:
                if not self._goes_on(error):
                    raise type(error)(error.errno or 0, self.ring) from None
                continue
            if self._interrupted:
                self._give_up()
            if left <= 0:
                return False

    def receive(self, timeout: float | None = None) -> Frame | None:
        """The next frame, or None if none came within timeout seconds (0: do not wait; None: for ever).

        Raises ProducerClosed and ProducerDied once all frames have been handed out (not with reconnect), Interrupted,
        HandleClosed.
        """
        with self._lock:
            while self._find(timeout):
                view = _VIEW.unpack_from(self._view_bytes)
                data = string_at(view[2], view[10])
                if _release(self._reference, self._view_reference) == 0:
                    return Frame(
                        data,
                        FrameMeta._make((view[9], *view[10:])),
                        view[4],
                        view[5],
                        view[6],
                        view[7],
                        view[1],
                    )
        return None

    def __iter__(self) -> Iterator[Frame]:
        """Frames until the producer closes the ring; with reconnect, and of its successors, for ever."""
        try:
            while True:
                frame = self.receive()
                if frame is not None:
                    yield frame
        except ProducerClosed:
            return

    def borrow(self, timeout: float | None = None) -> BorrowedFrame:
        """The next frame without a copy: ``with stream.borrow() as frame: ... frame.data ...``.

        Raises TimeoutError if none came within timeout seconds; else as receive(). Leaving the block raises
        FrameOverwritten if the producer lapped us meanwhile.
        """
        with self._lock:
            if not self._find(timeout):
                raise TimeoutError(errno.ETIMEDOUT, f"no frame within {timeout} s", self.ring)
            view = _VIEW.unpack_from(self._view_bytes)
            if self._mapping is None or self._mapping.attachment != view[8]:
                self._mapping = Mapping(library.video_shm_consumer_descriptor(self._reference), view[8])
            self._borrowed = BorrowedFrame(
                self._mapping.slice(view[3], view[10]),
                FrameMeta._make((view[9], *view[10:])),
                view[4],
                view[5],
                view[6],
                view[7],
                view[1],
                self._give_back,
            )
            return self._borrowed

    def _give_back(self) -> bool:
        with self._lock:
            self._borrowed = None
            if not self._open:
                return True
            return bool(_release(self._reference, self._view_reference) == 0)

    def interrupt(self) -> None:
        """End the wait under way in another thread, or else the next one, with Interrupted.

        Any thread may call it.
        """
        if self._open:
            self._interrupted = True
            library.video_shm_consumer_interrupt(self._reference)

    # ---- asyncio ----

    async def wait_async(self, timeout: float | None = None) -> Frame | None:
        """receive() for asyncio. Cancelling it leaves neither thread nor frame behind."""
        from . import _asyncio

        return await _asyncio.receive(self, timeout)

    def aiter(self) -> AsyncIterator[Frame]:
        """``async for frame in stream.aiter()``: as iterating, for asyncio."""
        from . import _asyncio

        return _asyncio.frames(self)

    # ---- figures ----

    def info(self) -> RingInfo:
        """The ring's and this reader's figures. Raises HandleClosed."""
        self._check_open()
        info = Info()
        library.video_shm_consumer_info(self._reference, byref(info))
        return RingInfo.of(info)

    def stats(self) -> tuple[int, int, int]:
        """(frames written, frames dropped by the producer, frames missed by this reader), as the original counted."""
        self._check_open()
        counts: Any = (c_uint32(), c_uint32(), c_uint32())
        library.video_shm_consumer_stats(self._reference, *map(byref, counts))
        return counts[0].value, counts[1].value, counts[2].value

    def close(self) -> None:
        """Leave the ring; ends a wait in another thread. Twice is fine."""
        if self._open:
            self._closing = True
            self.interrupt()
        super().close()

    def _destroy(self) -> None:
        if self._borrowed is not None:
            self._borrowed.give_back()
        self._mapping = None
        library.video_shm_consumer_destroy(self._reference)
