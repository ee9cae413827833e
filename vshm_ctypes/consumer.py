# SPDX-License-Identifier: Apache-2.0
"""A reader of a ring."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Iterator
from ctypes import byref, c_uint32
from typing import Any, Literal

from ._handle import check_fits
from ._library import library
from ._structs import ConsumerOptions
from ._waiting import Waiter
from .errors import ProducerClosed, VideoShmError
from .frame import Frame
from .inspect import explain
from .rings import Ring
from .views import BorrowedFrame

Start = Literal["next", "newest", "oldest", "keyframe"]
Policy = Literal["every", "newest", "keyframes"]

_STARTS = {"next": 0, "newest": 1, "oldest": 2, "keyframe": 3}
_POLICIES = {"every": 0, "newest": 1, "keyframes": 2}

_OFFSET, _SIZE = 3, 10  # in ViewFields
# Without a prototype, as it is called for each frame: converting and checking arguments costs several times the call.
_release = library["video_shm_consumer_release"]


class Consumer(Waiter):
    """A reader at a place of its own; never slows the producer. Frames come in order, each once.

    ring: channel number, name or /name; None is /video_stream. start: the first frame: the next one written, the
    newest, oldest or last keyframe in the ring. policy: every frame, the newest only, or keyframes only. resync: in
    H.264 or H.265, nothing until a keyframe, at the start and after a gap. reconnect: go over to the ring's successor
    when it ends. max_slot_size: refuse rings with larger slots; 0 takes any. publish: show this reader's counters to
    ``vshm``, in an object of its own. Raises ProducerNotRunning, IncompatibleRing, RingFull (publish), ValueError,
    VideoShmError (EACCES).
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
            raise ValueError(f"start is one of {', '.join(_STARTS)}; policy one of {', '.join(_POLICIES)}")
        check_fits(0, 0xFFFFFFFF, max_slot_size=max_slot_size)
        self._prepare()
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
            raise explain(error, self.ring, max_slot_size) from None
        self._open = True
        if publish:
            self._publish()

    def _publish(self) -> None:
        from .published import Publication  # of use to few: not at the import of all

        try:
            self._publication = Publication(self.ring)
        except VideoShmError:
            self.close()
            raise

    def receive(self, timeout: float | None = None) -> Frame | None:
        """The next frame, or None if none came within timeout seconds (0: do not wait; None: for ever).

        At its end an interpreter waits for threads that are no daemons, also for one in here: close() lets it go.

        Raises ProducerClosed and ProducerDied once all frames have been handed out (not with reconnect), Interrupted,
        HandleClosed.
        """
        with self._lock:
            while (view := self._find(timeout)) is not None:
                begin = view[_OFFSET]
                data = self._mapping[begin : begin + view[_SIZE]].tobytes()
                if _release(self._reference, self._view_reference) == 0:
                    return Frame(view, data)
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
            view = self._find(timeout)
            if view is None:
                raise TimeoutError(errno.ETIMEDOUT, f"no frame within {timeout} s", self.ring)
            begin = view[_OFFSET]
            data = self._mapping[begin : begin + view[_SIZE]]
            self._borrowed = borrowed = BorrowedFrame(view, data, self)
            return borrowed

    def _take_back(self) -> bool:
        with self._lock:
            if self._borrowed is None:  # close() has given it back
                return True
            self._borrowed = None
            return _release(self._reference, self._view_reference) == 0  # type: ignore[no-any-return]

    # ---- asyncio ----

    async def wait_async(self, timeout: float | None = None) -> Frame | None:
        """receive() for asyncio. However it ends, cancelled, closed or collected, it leaves no thread, and no frame."""
        from . import _asyncio

        return await _asyncio.receive(self, timeout)

    def _receive_now(self) -> Frame | None:
        """The next frame if it is there; never waits, not even for a thread that is in a call."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self.receive(0)
        finally:
            self._lock.release()

    def aiter(self) -> AsyncIterator[Frame]:
        """``async for frame in stream.aiter()``: as iterating, for asyncio."""
        from . import _asyncio

        return _asyncio.frames(self)

    # ---- figures ----

    def stats(self) -> tuple[int, int, int]:
        """(frames written, frames dropped by the producer, frames missed by this reader), as the original counted."""
        counts: Any = (c_uint32(), c_uint32(), c_uint32())
        with self._call():
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
            self._borrowed = None
            _release(self._reference, self._view_reference)
        self._mapping = self._ahead = None
        if self._publication is not None:
            self._publication.close()
        library.video_shm_consumer_destroy(self._reference)
