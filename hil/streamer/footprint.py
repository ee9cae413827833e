# SPDX-License-Identifier: Apache-2.0
"""Keeps the process small, by what it asks of malloc and of the kernel. Nothing here is needed for it to work."""

from __future__ import annotations

import gc
from ctypes import CDLL

# glibc's malloc.h, and linux/prctl.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_PR_SET_THP_DISABLE = 41
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


def settle() -> None:
    """Free what only the start needed, and have the garbage collector leave alone what is there now."""
    gc.collect()
    gc.freeze()
    libc = CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
