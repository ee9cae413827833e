# SPDX-License-Identifier: Apache-2.0
"""A /dev/shm of one's own, for tests of what acts on all that is there."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_FS, CLONE_NEWNS = 0x200, 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount_tmpfs(folder: Path, options: str) -> None:
    """Mount a tmpfs inside own_shared_memory, where nobody else sees it, and with which it goes away."""
    _check(_libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, options.encode()))


@contextmanager
def own_shared_memory() -> Iterator[None]:
    """Mount an empty tmpfs on /dev/shm for this thread and what it starts. Needs root: raises OSError."""
    folder, root = Path.cwd(), os.open("/", os.O_PATH)
    before = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY)
    try:
        _check(_libc.unshare(CLONE_NEWNS))
        _check(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
        mount_tmpfs(Path("/dev/shm"), "mode=1777")
        yield
    finally:
        _check(_libc.unshare(CLONE_FS))  # from threads that were started meanwhile: with them there is no way back
        _check(_libc.setns(before, CLONE_NEWNS))
        os.close(before)
        os.fchdir(root)  # coming back has changed both to the namespace's root, which is not ours in a chroot
        os.chroot(".")
        os.close(root)
        os.chdir(folder)
