# SPDX-License-Identifier: Apache-2.0
"""What Consumer and Producer share: opening, closing once, and a warning if they are never closed."""

from __future__ import annotations

import errno
import os
import sys
from _thread import RLock  # as threading and warnings have them, which take longer to load than all of this
from _warnings import warn
from collections.abc import Callable
from ctypes import Structure, byref
from types import TracebackType
from weakref import WeakSet

from .errors import HandleClosed, VideoShmError
from .inspect import explain
from .printable import printable
from .rings import Ring, ring_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn, Self


def check_fits(least: int, most: int, **values: int) -> None:
    """Raise ValueError for a value outside of least to most: ctypes would silently keep its low bits only.

    Raises TypeError: a value is no whole number, such as a frame rate of 29.97.
    """
    for name, value in values.items():
        if not hasattr(value, "__index__"):
            raise TypeError(f"{name}={value!r}: must be a whole number")
        if not least <= value <= most:
            raise ValueError(f"{name}={value}: must be from {least} to {most}")


class Handle:
    """An open handle of the library, and a context manager. Closing it twice is allowed."""

    _reference: Any  # to the library's struct

    def __init__(self, ring: Ring, channel: int | None) -> None:
        if ring is not None and channel is not None:
            raise ValueError("ring and channel both name a ring: give one of them")
        self.ring = ring_name(ring if channel is None else channel)
        self._lock = RLock()
        self._open = False
        self._others: list[int] = []  # ids of the threads that are in a call, or waiting to make one
        self._pid = os.getpid()
        _handles.add(self)

    @property
    def closed(self) -> bool:
        """Whether the handle is closed: close() was called, or opening it failed."""
        return not self._open

    def close(self) -> None:
        """Close the handle, after calls in progress in other threads have ended. Closing it twice is allowed."""
        is_within_a_call = self._is_within_a_call()
        if not sys.is_finalizing():
            with self._lock:
                self._end(is_within_a_call)
        # At interpreter exit a thread may have been stopped while it held the lock; the kernel then frees the ring.
        elif self._lock.acquire(blocking=False):
            self._end(is_within_a_call)
            self._lock.release()

    def _is_within_a_call(self) -> bool:
        """Return whether a signal handler, or a callback of the log, asks within a call of this thread."""
        return self._lock._is_owned()  # type: ignore[attr-defined,no-any-return]

    def _end(self, is_within_a_call: bool) -> None:
        if self._open:
            self._open = False
            self._destroy()
        if not is_within_a_call:
            self._let_go()

    def _let_go(self) -> None:
        """Free what a call in progress uses until its end."""

    def _destroy(self) -> None:
        raise NotImplementedError

    def _open_with(self, call: Callable[[Any, Any], object], options: Structure, asked: int) -> None:
        """Open the handle by a call of the library. asked: the size in bytes that the options ask for, see explained().

        Raises:
            VideoShmError: the call failed.
        """
        self._open = True  # at once, since a signal handler may raise before the call is seen to have succeeded
        try:
            call(self._reference, byref(options))
        except VideoShmError as error:
            self._open = False
            raise explain(error, self.ring, asked) from None
        except BaseException:
            self.close()
            raise

    def _check_open(self) -> None:
        if not self._open:
            raise HandleClosed(errno.EBADF, self.ring)

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_open", False):
            try:
                if self._pid == os.getpid():  # a forked child never opened it
                    warn(f"{self!r} was never closed", ResourceWarning, source=self, stacklevel=2)
            finally:  # also where warnings are errors
                self.close()

    def __reduce__(self) -> NoReturn:
        name = type(self).__name__
        raise TypeError(f"a {name} can't be pickled: pass {self.ring!r}, and open a {name} in the other process")

    def __repr__(self) -> str:
        state = "open" if self._open else "closed"
        return f"<{type(self).__name__} {printable(self.ring)}, {state}>"


_handles: WeakSet[Handle] = WeakSet()


def _forget_threads() -> None:
    """Forget locks and calls in a forked child: the threads that they belong to do not exist there."""
    for handle in _handles:
        handle._lock = RLock()
        handle._others = []


os.register_at_fork(after_in_child=_forget_threads)
