# SPDX-License-Identifier: Apache-2.0
"""What Consumer and Producer share: being open, being closed once, and being warned about if forgotten."""

from __future__ import annotations

import errno
import threading
import warnings
from types import TracebackType
from typing import Self

from .errors import HandleClosed


class Handle:
    """An open handle of the library: a context manager; close() twice is fine."""

    def __init__(self, ring: str) -> None:
        self.ring = ring
        self._lock = threading.RLock()
        self._open = False

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
            warnings.warn(f"{self!r} was never closed", ResourceWarning, source=self, stacklevel=2)
            self.close()

    def __repr__(self) -> str:
        state = "open" if self._open else "closed"
        return f"<{type(self).__name__} {self.ring}, {state}>"
