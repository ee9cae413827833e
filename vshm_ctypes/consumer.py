# SPDX-License-Identifier: Apache-2.0
"""A reader of a ring."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from ctypes import byref, c_uint32, get_errno
from struct import Struct
from threading import get_ident
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from ._handle import Handle, check_fits
from ._library import library
from ._structs import ConsumerHandle, ConsumerOptions, Info, View
from .errors import HandleClosed, ProducerClosed, VideoShmError, error_for
from .frame import Frame, ViewFields
from .info import RingInfo
from .inspect import explain
from .rings import Ring
from .views import BorrowedFrame, map_object

if TYPE_CHECKING:
    from .published import Publication

Start = Literal["next", "newest", "oldest", "keyframe"]
Policy = Literal["every", "newest", "keyframes"]

_STARTS = {"next": 0, "newest": 1, "oldest": 2, "keyframe": 3}
_POLICIES = {"every": 0, "newest": 1, "keyframes": 2}
_NO_WAIT = 0xFFFFFFFF
_SLICE_S = 0.25  # a signal that comes just before the sleep is noticed when the slice ends

_VIEW = Struct("@IIPQQQQQQQII?BHHB")  # ViewFields, in one look
_OFFSET, _ATTACHMENT, _SIZE = 3, 8, 10
# The calls of each frame, without prototypes: converting and checking arguments costs several times the call.
_acquire = library["video_shm_consumer_acquire"]
_release = library["video_shm_consumer_release"]


def _always() -> bool:
    return True


class Interrupted(VideoShmError):
    """interrupt() ended the wait (EINTR)."""

    advice = "interrupt() was called"


class Consumer(Handle):
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

    def _prepare(self) -> None:
        self._handle = ConsumerHandle()
        self._reference = byref(self._handle)
        self._view = View()
        self._view_reference = byref(self._view)
        self._view_bytes = memoryview(self._view).cast("B")
        self._mapping: Any = None
        self._attachment = -1
        self._borrowed: BorrowedFrame | None = None
        self._interrupted = False
        self._closing = False
        self._publication: Publication | None = None
        self._ahead: ViewFields | VideoShmError | None = None  # what a wait of asyncio has found, for the next call

    def _publish(self) -> None:
        from .published import Publication  # of use to few: not at the import of all

        try:
            self._publication = Publication(self.ring)
        except VideoShmError:
            self.close()
            raise

    # ---- waiting ----

    def _give_up(self) -> NoReturn:
        self._interrupted = False
        if self._closing:
            raise HandleClosed(errno.EBADF, self.ring)
        raise Interrupted(errno.EINTR, self.ring)

    def _check_goes_on(self, error: int) -> None:
        if error == errno.EINTR:  # Python has run its signal handlers by now, which may have raised
            if self._interrupted:
                self._give_up()
        elif not self.reconnect or error not in (errno.EPIPE, errno.EOWNERDEAD):
            raise error_for(error, self.ring)

    def _wait(self, timeout: float | None, is_wanted: Callable[[], bool]) -> bool:
        deadline = None if timeout is None else monotonic() + timeout
        while is_wanted():
            if self._others:
                self._let_others()
            left = _SLICE_S if deadline is None else min(deadline - monotonic(), _SLICE_S)
            milliseconds = max(1, round(left * 1000)) if left > 0 else _NO_WAIT
            size = _acquire(self._reference, self._view_reference, milliseconds)
            if size > 0:
                return True
            if size < 0:
                self._check_goes_on(get_errno())
                continue
            if self._interrupted:
                self._give_up()
            if self._publication is not None:
                self._publication.update_if_due(self.info)
            if left <= 0:
                return False
        return False

    def _let_others(self) -> None:
        self._lock.release()
        try:
            while self._others:
                sleep(0.0001)
        finally:  # also where a signal's handler raised
            self._lock.acquire()

    @contextmanager
    def _call(self) -> Iterator[None]:
        """The library takes one call at a time of a consumer: this one comes between two slices of a wait."""
        others, thread = self._others, get_ident()
        others.append(thread)
        try:
            while not self._lock.acquire(timeout=0.01):
                library.video_shm_consumer_interrupt(self._reference)
        finally:
            others.remove(thread)
        try:
            self._check_open()
            yield
        finally:
            self._lock.release()

    def _find(self, timeout: float | None, is_wanted: Callable[[], bool] = _always) -> ViewFields | None:
        """The next frame's view, and the mapping that it lies in. None: none came within timeout seconds."""
        if not self._open:
            self._check_open()
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            if isinstance(ahead, VideoShmError):
                raise ahead
            return ahead
        if self._borrowed is not None:
            raise VideoShmError(errno.EBUSY, self.ring, "a borrowed frame is out: leave its with block first")
        # Often it is there already; then no clock needs to be read.
        size = _acquire(self._reference, self._view_reference, _NO_WAIT)
        if size < 0:  # told once: it must not be passed over
            self._check_goes_on(get_errno())
        if size <= 0 and not self._wait(timeout, is_wanted):
            return None
        view = _VIEW.unpack_from(self._view_bytes)
        if view[_ATTACHMENT] != self._attachment:
            self._mapping = map_object(library.video_shm_consumer_descriptor(self._reference))
            self._attachment = view[_ATTACHMENT]
        if self._publication is not None:
            self._publication.update_if_due(self.info)
        return view

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

    def interrupt(self) -> None:
        """End the wait under way in another thread, or else the next one, with Interrupted.

        Any thread may call it.
        """
        if self._open:
            self._interrupted = True
            library.video_shm_consumer_interrupt(self._reference)

    # ---- asyncio ----

    async def wait_async(self, timeout: float | None = None) -> Frame | None:
        """receive() for asyncio. However it ends, cancelled, closed or collected, it leaves no thread, and no frame."""
        from . import _asyncio

        return await _asyncio.receive(self, timeout)

    def _look_ahead(self, timeout: float | None, is_wanted: Callable[[], bool]) -> None:
        """receive() without taking anything: what there is waits for the next call, so that it is lost to nobody.

        is_wanted: False ends the wait, at the latest when _wake() was called.
        """
        while not self._lock.acquire(timeout=_SLICE_S):
            if not is_wanted():
                return
        try:
            if self._ahead is None:
                self._ahead = self._find(timeout, is_wanted)
        except VideoShmError as error:
            self._ahead = error
        finally:
            self._lock.release()

    def _receive_now(self) -> Frame | None:
        """The next frame if it is there; never waits, not even for a thread that is in a call."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self.receive(0)
        finally:
            self._lock.release()

    def _wake(self) -> None:
        """Let the wait under way look whether it is wanted."""
        if self._open:
            library.video_shm_consumer_interrupt(self._reference)

    def aiter(self) -> AsyncIterator[Frame]:
        """``async for frame in stream.aiter()``: as iterating, for asyncio."""
        from . import _asyncio

        return _asyncio.frames(self)

    # ---- figures ----

    def info(self) -> RingInfo:
        """The ring's and this reader's figures. Raises HandleClosed."""
        info = Info()
        with self._call():
            library.video_shm_consumer_info(self._reference, byref(info))
        return RingInfo.of(info)

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
