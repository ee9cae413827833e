# SPDX-License-Identifier: Apache-2.0
"""How a consumer waits for its next frame, and how other threads end that wait or make calls during it."""

from __future__ import annotations

import errno
from _thread import get_ident
from collections.abc import Callable
from ctypes import byref, get_errno, sizeof
from sys import getrefcount
from time import monotonic, sleep

from ._handle import Handle
from ._library import Address, AtOnceWithoutErrno, frame_call, library
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
_REFERENCES_OF_OURS = 2  # to a frame that was lent: the attribute, and the call that counts them

_acquire = frame_call("video_shm_consumer_acquire")
_release = frame_call("video_shm_consumer_release", AtOnceWithoutErrno)


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
        self._at_once = False  # the call in progress must not wait, not even for other threads
        self._interrupted = False
        self._closing = False
        self._publication: Publication | None = None
        self._ahead: VideoShmError | None = None  # what has ended an asyncio wait, kept for the next call

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
        if self._at_once:
            return
        lock: Any = self._lock
        held = lock._release_save()  # of all calls in progress: a signal handler's may be within another
        try:
            while self._others:
                sleep(0.0001)
        finally:  # also if a signal handler has raised
            lock._acquire_restore(held)

    def _ask(self, call: Callable[..., object], *arguments: object) -> None:
        """Make a call that does not wait, between two slices of a wait in another thread. Raises HandleClosed."""
        others, thread = self._others, get_ident()
        try:
            others.append(thread)
            if not self._is_within_a_call():
                library.video_shm_consumer_interrupt(self._reference)  # the wait in progress, which lets others then
            with self._lock:
                self._check_open()
                call(self._reference, *arguments)
        finally:
            if thread in others:  # else a signal handler has raised before
                others.remove(thread)

    def _find(self, timeout: float | None, is_wanted: Callable[[], bool] | None = None) -> int:
        """Return the size of the next frame, which self._view describes; 0 if none came in time."""
        if not self._open:
            self._check_open()
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            raise ahead
        if self._borrowed is not None:
            self._end_loan()
        deadline = None if timeout is None else monotonic() + timeout
        left, milliseconds = SLICE_S, _SLICE_MS
        while is_wanted is None or is_wanted():
            if self._others:
                self._let_others()
            if deadline is not None:
                left = min(deadline - monotonic(), SLICE_S)
                milliseconds = NO_WAIT if left <= 0 else max(1, round(left * 1000))  # raises ValueError for NaN
            size = _acquire(self._reference, self._view_reference, milliseconds)
            if size > 0:
                if self._publication is not None:
                    self._publication.update_if_due(self.info)
                return size
            if size < 0:  # reported only once, so it must not be ignored
                error = get_errno()
                if error == errno.EBUSY and self._view.data:
                    return int(self._view.meta.size)  # of a frame that was found before, and is not given back yet
                self._check_goes_on(error)
                continue
            if self._interrupted:
                self._give_up()
            if self._publication is not None:
                self._publication.update_if_due(self.info)
            if left <= 0:
                return 0
        return 0

    def _end_loan(self) -> None:
        """Give a borrowed frame back that nobody has any more, as after a signal handler has raised within its block.

        Raises VideoShmError: somebody has it.
        """
        # A weak reference would tell it too, but costs each borrowed frame a twentieth of its way.
        if self._borrowed is not None and getrefcount(self._borrowed) > _REFERENCES_OF_OURS:
            if self._borrowed.is_lent():
                raise VideoShmError(errno.EBUSY, self.ring, "a frame is borrowed already: leave its with block first")
            self._borrowed.keep_told()
        self._borrowed = None
        _release(self._reference, self._view_reference)

    def _map(self) -> None:
        """Map the ring that self._view is of, for those who look at frames in it."""
        self._mapping = map_object(library.video_shm_consumer_descriptor(self._reference))
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
            self._find(timeout, is_wanted)
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
        self._ask(library.video_shm_consumer_info, byref(info))
        return RingInfo.of(info)
