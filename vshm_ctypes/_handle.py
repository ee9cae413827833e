# SPDX-License-Identifier: Apache-2.0
"""What Consumer and Producer share: being open, being closed once, and being warned about if forgotten."""

from __future__ import annotations

import errno
import os
import threading
import warnings
from types import TracebackType
from typing import Self
from weakref import WeakSet

from .errors import HandleClosed


class Handle:
    """An open handle of the library: a context manager; close() twice is fine."""

    def __init__(self, ring: str) -> None:
        self.ring = ring
        self._lock = threading.RLock()
        self._open = False
        self._pid = os.getpid()
        _handles.add(self)

    @property
    def closed(self) -> bool:
        """Whether close() was called, or opening failed."""
        return not self._open

    def close(self) -> None:
        """Let the ring go. Twice is fine."""
        with self._lock:
            if self._open:
                self._open = False
                self._destroy()

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

    def __repr__(self) -> str:
        state = "open" if self._open else "closed"
        return f"<{type(self).__name__} {self.ring}, {state}>"


_handles: WeakSet[Handle] = WeakSet()


def _renew_locks() -> None:
    """A thread that held a lock does not exist in a forked child, and would hold it for ever."""
    for handle in _handles:
        handle._lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_locks)
