# SPDX-License-Identifier: Apache-2.0
"""Named semaphores of the C library, as version 1 programs use them."""

from __future__ import annotations

import ctypes
import os
from typing import Self

from .scene import Scene

_libc = ctypes.CDLL(None, use_errno=True)
_libc.sem_open.restype = ctypes.c_void_p
for _name in ("sem_trywait", "sem_post", "sem_close"):
    getattr(_libc, _name).argtypes = [ctypes.c_void_p]
_libc.sem_getvalue.argtypes = [ctypes.c_void_p, ctypes.c_void_p]


class Semaphore:
    """The write or the read semaphore of a promise's channel. Raises OSError if there is none."""

    def __init__(self, scene: Scene, kind: str) -> None:
        ctypes.set_errno(0)
        self._at = _libc.sem_open(scene.semaphore(kind).encode(), 0)
        if not self._at:
            raise OSError(ctypes.get_errno(), f"{scene.semaphore(kind)}: {os.strerror(ctypes.get_errno())}")

    def take(self) -> bool:
        """Take a token if there is one. Returns whether there was."""
        return bool(_libc.sem_trywait(self._at) == 0)

    def give(self) -> None:
        """Add a token."""
        _libc.sem_post(self._at)

    @property
    def tokens(self) -> int:
        """The number of tokens."""
        count = ctypes.c_int()
        _libc.sem_getvalue(self._at, ctypes.byref(count))
        return count.value

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _libc.sem_close(self._at)
