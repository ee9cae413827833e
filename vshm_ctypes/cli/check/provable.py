# SPDX-License-Identifier: Apache-2.0
"""Whether what bears a name of ours is ours, and nobody's any more: others may call their files what they like.

Rings of today say so themselves. What version 1 left has no more than its size and its bytes; that must be right.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

V1_RING_BYTES = 64 + 30 * (32 + 512 * 1024)
_SEMAPHORE_BYTES = (16, 32)  # of 32-bit and 64-bit processors, with glibc and with musl
_SEMAPHORE_WORDS = 12  # its value, who waits, and whether it is shared: behind these there is nothing
_PIECE = 1 << 20


def _opened(path: Path) -> tuple[int, os.stat_result]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    return descriptor, os.fstat(descriptor)


def _is_zero(descriptor: int, size: int, begin: int = 0) -> bool:
    pieces = (os.pread(descriptor, min(_PIECE, size - at), at) for at in range(begin, size, _PIECE))
    return not any(piece.strip(b"\0") for piece in pieces)


def kept_by_another_name(status: os.stat_result) -> str | None:
    """Why it may not be removed by the name that it was found by."""
    return f"it has {status.st_nlink - 1} more names, by which somebody keeps it" if status.st_nlink > 1 else None


def _foreign(status: os.stat_result) -> str | None:
    return kept_by_another_name(status) if stat.S_ISREG(status.st_mode) else "it is no file"


def not_a_begun_ring(path: Path) -> str | None:
    """Why this is none that a version 1 writer began: it sets the size first, and clears it. Raises OSError."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return "it is no file"
    descriptor, status = _opened(path)
    try:
        if status.st_size != V1_RING_BYTES:
            return f"it has {status.st_size} bytes, and a ring that version 1 began has {V1_RING_BYTES}"
        magic = 8  # and version, which is stored last
        if not _is_zero(descriptor, status.st_size, magic):
            return "there is something else in it"
        return _foreign(status)
    finally:
        os.close(descriptor)


def not_a_left_ring(path: Path) -> str | None:
    """Why a ring of version 1 is none that may be removed. Raises OSError."""
    status = path.lstat()
    if status.st_size != V1_RING_BYTES:
        return f"it has {status.st_size} bytes, and a ring of version 1 has {V1_RING_BYTES}"
    return _foreign(status)


def not_a_semaphore(path: Path) -> str | None:
    """Why this is none of the C library's semaphores. Raises OSError."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        return "it is no file"
    if status.st_size not in _SEMAPHORE_BYTES:
        return f"it has {status.st_size} bytes, and a semaphore has {' or '.join(map(str, _SEMAPHORE_BYTES))}"
    descriptor, status = _opened(path)
    try:
        if not _is_zero(descriptor, status.st_size, _SEMAPHORE_WORDS):
            return "there is something else in it"
        return _foreign(status)
    finally:
        os.close(descriptor)


@contextmanager
def nobody_has_it(path: Path) -> Iterator[int]:
    """The object of that name, opened, while no other process has it open or mapped, whatever namespace it is in.

    Raises OSError, which says who may tell: another one has it, or this user may not know.
    """
    descriptor, _ = _opened(path)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)  # of who comes now; SIGIO would end us
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except BlockingIOError:
            raise OSError(
                errno.EBUSY, f"another program has it open: see which (fuser -v {quote(str(path))})"
            ) from None
        except OSError as error:
            advice = "whether another program has it open can't be told: ask as its owner or as root"
            raise OSError(error.errno, advice) from None
        yield descriptor
    finally:
        os.close(descriptor)
