# SPDX-License-Identifier: Apache-2.0
"""The reader of a ring."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Iterator
from ctypes import byref, c_uint32

from ._handle import check_fits
from ._library import bytes_at, library
from ._structs import ConsumerOptions
from ._waiting import VIEW_BYTES, Waiter, _release
from .errors import FrameTooLarge, ProducerClosed, VideoShmError
from .frame import Frame
from .inspect import refuse_leased
from .rings import Ring, name_bytes
from .views import NO_OBJECTS, BorrowedFrame, FrameInBuffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from typing_extensions import Buffer

    Start = Literal["next", "newest", "oldest", "keyframe"]
    Policy = Literal["every", "newest", "keyframes"]

_STARTS = {"next": 0, "newest": 1, "oldest": 2, "keyframe": 3}
_POLICIES = {"every": 0, "newest": 1, "keyframes": 2}

_new = object.__new__


class Consumer(Waiter):
    """Reads the frames of a ring in order, each once, at its own pace. A consumer never slows the producer down.

    Threads that share a consumer take turns: a call waits for the one in progress, even beyond its own timeout. info()
    and stats() do not, nor do interrupt() and close(), which end it.

    Args:
        ring: channel number, NAME or /NAME; None is /video_stream.
        channel: channel number, an alternative to ring.
        start: the first frame: the next one written, or the newest, the oldest or the last keyframe in the ring.
        policy: read every frame, only the newest one, or only keyframes.
        resync: for H.264 and H.265, pass over frames until a keyframe, at the start and after a gap.
        reconnect: when the ring ends, go on with the next ring of its name.
        max_slot_size: refuse rings with larger slots, in bytes; 0 accepts any.
        publish: show this reader's counters to ``vshm``, through a shared memory object of its own.

    Raises:
        ProducerNotRunning: there is no ring of that name, or it is still being made.
        IncompatibleRing: the object is not a ring, or its slots are larger than max_slot_size.
        RingFull: /dev/shm has no room for the published counters.
        ValueError: an argument is out of range.
        VideoShmError: any other failure, such as EACCES.
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
        publish: bool = False,
    ) -> None:
        super().__init__(ring, channel)
        if start not in _STARTS or policy not in _POLICIES:
            raise ValueError(f"start must be one of {', '.join(_STARTS)}, and policy one of {', '.join(_POLICIES)}")
        check_fits(0, 0xFFFFFFFF, max_slot_size=max_slot_size)
        self._prepare()
        self.reconnect = reconnect
        options = ConsumerOptions(
            start=_STARTS[start],
            policy=_POLICIES[policy],
            resync=resync,
            reconnect=reconnect,
            max_slot_size=max_slot_size,
            name=name_bytes(self.ring),
        )
        refuse_leased(self.ring)
        self._open_with(library.video_shm_consumer_open, options, max_slot_size)
        if publish:
            self._publish()

    def _publish(self) -> None:
        from .publication import Publication  # imported only here, since few readers publish

        try:
            self._publication = Publication(self.ring, self.info())
        except VideoShmError:
            self.close()
            raise

    def receive(self, timeout: float | None = None) -> Frame | None:
        """Return the next frame, or None if none came within timeout seconds (0: do not wait; None: wait for ever).

        At exit the interpreter joins threads that are not daemons, even one that waits here: close() ends its wait.

        Raises:
            ProducerClosed: the ring was closed, and all its frames have been read (never with reconnect).
            ProducerDied: the producer died, and all its frames have been read (never with reconnect).
            Interrupted: interrupt() ended the wait.
            HandleClosed: the consumer is closed.
        """
        with self._lock:
            frame = _new(Frame)  # before the wait, since each step after it delays the frame
            while size := self._find(timeout):
                frame.data = bytes_at(self._content, size)
                frame._told = bytes_at(self._view_reference, VIEW_BYTES)
                if _release(self._reference, self._view_reference) == 0:
                    return frame
        return None

    def receive_into(self, buffer: Buffer, timeout: float | None = None) -> FrameInBuffer | None:
        """Copy the next frame into a buffer of the program's own, such as a bytearray, which may be used over and over.

        Return the frame, whose data is that part of the buffer, or None if none came within timeout seconds.

        Args:
            buffer: contiguous and writable; info().slot_size bytes are enough for any frame of the ring.
            timeout: in seconds, as of receive().

        Raises:
            FrameTooLarge: the frame is larger than the buffer. The next call returns it.
            TypeError: the buffer is read-only, not contiguous, or an array of Python objects.

        and what receive() raises.
        """
        given = memoryview(buffer)
        if given.format == "O":
            raise TypeError(NO_OBJECTS)
        target = given.cast("B")
        if target.readonly:
            raise TypeError("the buffer is read-only: give one that can be written, such as a bytearray")
        with self._lock:
            frame = _new(FrameInBuffer)
            while size := self._find(timeout):
                if size > len(target):
                    message = f"a frame of {size} bytes does not fit into a buffer of {len(target)}: give a larger one"
                    raise FrameTooLarge(errno.EMSGSIZE, self.ring, message)
                if self._view.attachment != self._attachment:
                    self._map()
                begin = self._view.offset
                frame.data = target[:size]
                frame.data[:] = self._mapping[begin : begin + size]
                frame._told = bytes_at(self._view_reference, VIEW_BYTES)
                if _release(self._reference, self._view_reference) == 0:
                    return frame
        return None

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames until the producer closes the ring; with reconnect, go on with the next ring for ever."""
        try:
            while True:
                frame = self.receive()
                if frame is not None:
                    yield frame
        except ProducerClosed:
            return

    def borrow(self, timeout: float | None = None) -> BorrowedFrame:
        """Return the next frame without copying it: ``with stream.borrow() as frame: ... frame.data ...``.

        Leaving the block raises FrameOverwritten if the producer has overwritten the frame meanwhile.
        Raises TimeoutError if no frame came within timeout seconds, and otherwise as receive().
        """
        with self._lock:
            frame = _new(BorrowedFrame)
            frame._lender = self
            frame._told = view = self._view
            size = self._find(timeout)
            if size == 0:
                raise TimeoutError(errno.ETIMEDOUT, f"no frame within {timeout} s", self.ring)
            if view.attachment != self._attachment:
                self._map()
            begin = view.offset
            frame._data = self._mapping[begin : begin + size]
            self._borrowed = frame
            return frame

    def _take_back(self, frame: BorrowedFrame) -> bool:
        with self._lock:
            if self._borrowed is None:  # close() has given it back
                return True
            frame.keep_told()
            self._borrowed = None
            return _release(self._reference, self._view_reference) == 0

    # ---- asyncio ----

    async def wait_async(self, timeout: float | None = None) -> Frame | None:
        """Do as receive(), for asyncio. However it ends, even cancelled, it leaves no thread and loses no frame."""
        from . import _asyncio

        return await _asyncio.receive(self, timeout)

    def _receive_now(self) -> Frame | None:
        """Return the next frame if it is there, else None. Never waits, not even for a call of another thread."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            self._at_once = True
            return self.receive(0)
        finally:
            self._at_once = False
            self._lock.release()

    def aiter(self) -> AsyncIterator[Frame]:
        """Return an asynchronous iterator over the frames: ``async for frame in stream.aiter()``."""
        from . import _asyncio

        return _asyncio.frames(self)

    # ---- figures ----

    def stats(self) -> tuple[int, int, int]:
        """Return (frames written, frames dropped by the producer, frames missed by this reader), modulo 2**32."""
        counts: Any = (c_uint32(), c_uint32(), c_uint32())
        self._ask(library.video_shm_consumer_stats, *map(byref, counts))
        return counts[0].value, counts[1].value, counts[2].value

    def close(self) -> None:
        """Leave the ring, and end a wait in another thread. Closing twice is allowed."""
        if self._open:
            self._closing = True
            self.interrupt()
        super().close()

    def _destroy(self) -> None:
        self._ahead = None
        if self._publication is not None:
            self._publication.close()
        library.video_shm_consumer_destroy(self._reference)

    def _let_go(self) -> None:
        self._borrowed = self._mapping = None
        _release(self._reference, self._view_reference)  # a frame that is out, without which the ring stays mapped

    def __del__(self) -> None:
        super().__del__()
        if hasattr(self, "_view") and self._view.data:  # closed by a signal handler within a call, which raised then
            self.close()
