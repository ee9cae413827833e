# SPDX-License-Identifier: Apache-2.0
"""Lets one thread after the other use what FFmpeg lets one thread use, such as a decoder."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet


class Turns:
    """A lock of threads. In a forked child it is free, as the thread that held it does not exist there."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _all.add(self)

    @contextmanager
    def take(self, timeout: float | None = None) -> Iterator[bool]:
        """Wait up to timeout seconds (None: for ever) for a turn, and yield whether it came; the block is the turn."""
        lock = self._lock
        came = lock.acquire(timeout=-1 if timeout is None else min(max(timeout, 0), threading.TIMEOUT_MAX))
        try:
            yield came
        finally:
            if came:
                lock.release()


_all: WeakSet[Turns] = WeakSet()


def _begin_anew() -> None:
    for turns in _all:
        turns._lock = threading.RLock()


os.register_at_fork(after_in_child=_begin_anew)
