# SPDX-License-Identifier: Apache-2.0
"""Keeps the process small, by what it asks of malloc and of the kernel. Nothing here is needed for it to work."""

from __future__ import annotations

import gc
import sys
import time
from ctypes import CDLL

# glibc's malloc.h, and linux/prctl.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_PR_SET_THP_DISABLE = 41
SETTLED_S = 2.0  # from the first picture on
AGAIN_S = 30.0  # pictures that had to wait, as when the processors were busy, leave memory behind
_PICTURES = 32 << 20  # bytes: glibc's own limit for what is not mapped afresh each time


def stay_small() -> None:
    """Ask for one heap for all threads, for memory that is kept between pictures, and for pages of ordinary size.

    - Each thread's own heap would keep what it has freed, which another thread could have used.
    - By default the memory of each picture is given back to the kernel and comes anew, a page fault for each 4 KiB.
    - libx264 asks for pages of 2 MiB, most of which stay empty at a camera's size.

    Call this before threads start.
    """
    libc = CDLL(None)
    if hasattr(libc, "mallopt"):  # musl has none
        libc.mallopt(_M_ARENA_MAX, 1)
        libc.mallopt(_M_MMAP_THRESHOLD, _PICTURES)
        libc.mallopt(_M_TRIM_THRESHOLD, _PICTURES)
    libc.prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0)


def forget(*modules: str) -> None:
    """Give back modules that only the start needed. What still refers to them keeps them; who asks gets them anew."""
    for name in modules:
        parent, _, own = name.rpartition(".")
        if sys.modules.pop(name, None) is not None and parent in sys.modules:
            vars(sys.modules[parent]).pop(own, None)
    gc.collect()


class Settling:
    """Gives back what is not needed: what the start has left in Python, the first pictures' memory, a busy moment's."""

    def __init__(self) -> None:
        gc.collect()
        gc.freeze()  # what is there now stays: the garbage collector need not look at it again and again
        _trim()
        self._due_s = time.monotonic() + SETTLED_S

    def tick(self) -> None:
        """Give memory back some time after the start, and then from time to time. To be called often."""
        if (now_s := time.monotonic()) >= self._due_s:
            self._due_s = now_s + AGAIN_S
            _trim()


def _trim() -> None:
    libc = CDLL(None)
    if hasattr(libc, "malloc_trim"):  # musl has none
        libc.malloc_trim(0)
