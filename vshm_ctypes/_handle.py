# SPDX-License-Identifier: Apache-2.0
"""What Consumer and Producer share: being open, being closed once, and being warned about if forgotten."""

from __future__ import annotations

import errno
import os
import sys
import threading
import warnings
from types import TracebackType
from typing import NoReturn, Self
from weakref import WeakSet

from .errors import HandleClosed
from .rings import Ring, ring_name


def check_fits(least: int, most: int, **values: int) -> None:
    """Raise ValueError, by name: ctypes cuts what is too large for a C integer to its low bits."""
    for name, value in values.items():
        if not least <= value <= most:
            raise ValueError(f"{name}={value}: from {least} to {most}")


class Handle:
    """An open handle of the library: a context manager; close() twice is fine."""

    def __init__(self, ring: Ring, channel: int | None) -> None:
        if ring is not None and channel is not None:
            raise ValueError("ring and channel both name a ring: give one of them")
        self.ring = ring_name(ring if channel is None else channel)
        self._lock = threading.RLock()
        self._open = False
        self._others: list[int] = []  # threads that are in a call, or that wait for one to end
        self._pid = os.getpid()
        _handles.add(self)

    @property
    def closed(self) -> bool:
        """Whether close() was called, or opening failed."""
        return not self._open

    def close(self) -> None:
        """Let the ring go. Twice is fine; calls that other threads are just in end first."""
        # At an interpreter's end threads stop where they are, with what they hold: the kernel takes the ring back.
        if not self._lock.acquire(blocking=not sys.is_finalizing()):
            return
        try:
            if self._open:
                self._open = False
                self._destroy()
        finally:
            self._lock.release()

    def _destroy(self) -> None:
        raise NotImplementedError

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
            if self._pid == os.getpid():  # a forked child never opened it
                warnings.warn(f"{self!r} was never closed", ResourceWarning, source=self, stacklevel=2)
            self.close()

    def __reduce__(self) -> NoReturn:
        name = type(self).__name__
        raise TypeError(f"a {name} belongs to its process: pass {self.ring!r}, and open a {name} there")

    def __repr__(self) -> str:
        state = "open" if self._open else "closed"
        return f"<{type(self).__name__} {self.ring}, {state}>"


_handles: WeakSet[Handle] = WeakSet()


def _forget_threads() -> None:
    """A thread that held a lock, or was in a call, does not exist in a forked child, and would never end."""
    for handle in _handles:
        handle._lock = threading.RLock()
        handle._others = []


os.register_at_fork(after_in_child=_forget_threads)
