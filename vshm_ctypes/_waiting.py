# SPDX-License-Identifier: Apache-2.0
"""How a consumer waits for its next frame, and how other threads end that wait or make calls during it."""

from __future__ import annotations

import errno
from _thread import get_ident
from collections.abc import Callable
from ctypes import byref, get_errno, sizeof
from time import monotonic, sleep

from ._handle import Handle
from ._library import Address, frame_call, library
from ._structs import ConsumerHandle, Info, View
from .errors import HandleClosed, Interrupted, VideoShmError, error_for
from .info import RingInfo
from .views import BorrowedFrame, map_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from .publication import Publication

NO_WAIT = 0xFFFFFFFF
SLICE_S = 0.25  # a signal that comes just before the sleep is noticed when the slice ends
_SLICE_MS = round(SLICE_S * 1000)
VIEW_BYTES = sizeof(View)

_acquire = frame_call("video_shm_consumer_acquire")


class _Call:
    """Holds the lock for a call, between two slices of a wait: a consumer takes one call at a time."""

    def __init__(self, stream: Waiter) -> None:
        self._stream = stream

    def __enter__(self) -> None:
        stream, others, thread = self._stream, self._stream._others, get_ident()
        others.append(thread)
        try:
            while not stream._lock.acquire(timeout=0.01):
                library.video_shm_consumer_interrupt(stream._reference)
        finally:
            others.remove(thread)
        try:
            stream._check_open()
        except BaseException:  # a signal handler may have raised
            stream._lock.release()
            raise

    def __exit__(self, *_error: object) -> None:
        self._stream._lock.release()


class Waiter(Handle):
    """A handle that waits for frames. Only one thread at a time is inside the library."""

    reconnect: bool

    def _prepare(self) -> None:
        self._handle = ConsumerHandle()
        self._reference = byref(self._handle)
        self._view = View()
        self._view_reference = byref(self._view)
        self._content = Address.from_buffer(self._view, View.data.offset)  # of the frame that the view describes
        self._mapping: Any = None
        self._attachment = -1
        self._borrowed: BorrowedFrame | None = None
        self._interrupted = False
        self._closing = False
        self._publication: Publication | None = None
        self._ahead: int | VideoShmError | None = None  # what an asyncio wait has found, kept for the next call

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

    def _let_others(self) -> None:
        self._lock.release()
        try:
            while self._others:
                sleep(0.0001)
        finally:  # also if a signal handler has raised
            self._lock.acquire()

    def _call(self) -> _Call:
        return _Call(self)

    def _find(self, timeout: float | None, is_wanted: Callable[[], bool] | None = None) -> int:
        """Return the size of the next frame, which self._view describes; 0 if none came in time."""
        if not self._open:
            self._check_open()
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            if isinstance(ahead, VideoShmError):
                raise ahead
            return ahead
        if self._borrowed is not None:
            raise VideoShmError(errno.EBUSY, self.ring, "a frame is borrowed already: leave its with block first")
        deadline = None if timeout is None else monotonic() + timeout
        left, milliseconds = SLICE_S, _SLICE_MS
        while is_wanted is None or is_wanted():
            if self._others:
                self._let_others()
            if deadline is not None:
                left = min(deadline - monotonic(), SLICE_S)
                milliseconds = max(1, round(left * 1000)) if left > 0 else NO_WAIT
            size = _acquire(self._reference, self._view_reference, milliseconds)
            if size > 0:
                if self._publication is not None:
                    self._publication.update_if_due(self.info)
                return size
            if size < 0:  # reported only once, so it must not be ignored
                self._check_goes_on(get_errno())
                continue
            if self._interrupted:
                self._give_up()
            if self._publication is not None:
                self._publication.update_if_due(self.info)
            if left <= 0:
                return 0
        return 0

    def _map(self, size: int) -> None:
        """Map the ring that self._view is of, for those who look at frames in it. Else the frame of size is kept."""
        try:
            self._mapping = map_object(library.video_shm_consumer_descriptor(self._reference))
        except OSError:
            self._ahead = size
            raise
        self._attachment = self._view.attachment

    def interrupt(self) -> None:
        """Make the wait in progress, or else the next one, raise Interrupted. Any thread may call this."""
        if self._open:
            self._interrupted = True
            library.video_shm_consumer_interrupt(self._reference)

    def _look_ahead(self, timeout: float | None, is_wanted: Callable[[], bool]) -> None:
        """Wait as receive() does, but keep the frame or the error for the next call, so that it is never lost.

        The wait ends once is_wanted() returns False, at the latest after _wake() was called.
        """
        while not self._lock.acquire(timeout=SLICE_S):
            if not is_wanted():
                return
        try:
            if self._ahead is None:
                self._ahead = self._find(timeout, is_wanted) or None
        except VideoShmError as error:
            self._ahead = error
        finally:
            self._lock.release()

    def _wake(self) -> None:
        """Make the wait in progress check whether it is still wanted."""
        if self._open:
            library.video_shm_consumer_interrupt(self._reference)

    def info(self) -> RingInfo:
        """Return the figures of the ring and of this reader. Raises HandleClosed."""
        info = Info()
        with self._call():
            library.video_shm_consumer_info(self._reference, byref(info))
        return RingInfo.of(info)
