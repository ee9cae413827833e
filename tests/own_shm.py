# SPDX-License-Identifier: Apache-2.0
"""A /dev/shm of one's own, for tests of what acts on all that is there."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextmanager
def own_shared_memory() -> Iterator[None]:
    """An empty tmpfs on /dev/shm, for this thread and what it starts. Needs root: raises OSError."""
    folder = Path.cwd()
    before = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY)
    try:
        _check(_libc.unshare(CLONE_NEWNS))
        _check(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
        _check(_libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, b"mode=1777"))
        yield
    finally:
        _check(_libc.setns(before, CLONE_NEWNS))
        os.close(before)
        os.chdir(folder)  # which coming back has changed to the root
