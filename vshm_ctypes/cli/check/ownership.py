# SPDX-License-Identifier: Apache-2.0
"""Proves that an object with one of our names is ours, and that nobody uses it: anybody may use such a name.

A ring with an extension identifies itself. What version 1 left is recognised by its size and its bytes only.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...bridges.published import PREFIX as BRIDGE
from ...bridges.published import SIZE
from ...leases import Leases
from ...printable import shell_word
from ...published import RECORD

V1_RING_BYTES = 64 + 30 * (32 + 512 * 1024)
_V1_NAME = re.compile(r"video_stream(_ch[0-9]+)?")
_SEMAPHORE_BYTES = (16, 32)  # sizes on 32-bit and 64-bit processors, with glibc and with musl
_THIRD_WORD_MAX = 0xFFFF  # a number of waiters, or a flag; musl writes whatever is on its stack behind that
_PIECE = 1 << 20


def _opened(path: Path) -> tuple[int, os.stat_result]:
    descriptor = Leases().open(path)
    return descriptor, os.fstat(descriptor)


def _is_zero(descriptor: int, size: int, begin: int = 0) -> bool:
    pieces = (os.pread(descriptor, min(_PIECE, size - at), at) for at in range(begin, size, _PIECE))
    return not any(piece.strip(b"\0") for piece in pieces)


def kept_by_another_name(status: os.stat_result) -> str | None:
    """Return why the object may not be removed by one of its names, or None if it has no other."""
    return f"it has {status.st_nlink - 1} more names, by which somebody keeps it" if status.st_nlink > 1 else None


def _foreign(status: os.stat_result) -> str | None:
    return kept_by_another_name(status) if stat.S_ISREG(status.st_mode) else "it is no file"


def not_a_begun_ring(path: Path) -> str | None:
    """Return why this is not a ring that a version 1 writer left half made, or None if it is. Raises OSError.

    Such a writer makes an empty object, sets its size, clears the bytes, and stores magic and version. The library
    has the same rule (beginning.c): its writers replace what passes, and refuse all else.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        return "it is no file"
    try:
        descriptor, status = _opened(path)
    except BlockingIOError as error:
        return error.strerror
    try:
        if not _V1_NAME.fullmatch(path.name):
            return "version 1, whose rings begin so, has none of this name"
        if status.st_size not in (0, V1_RING_BYTES):
            return f"it has {status.st_size} bytes, and a ring that version 1 began has none or {V1_RING_BYTES}"
        magic = 8  # and version: 8 bytes, stored last
        if not _is_zero(descriptor, status.st_size, magic):
            return "there is something else in it"
        return _foreign(status)
    finally:
        os.close(descriptor)


def not_a_ring(path: Path) -> str:
    """Return why an object is no ring, which the library has refused as none. Raises OSError."""
    unknown = "its format is not known"
    if not stat.S_ISREG(path.lstat().st_mode):
        return unknown
    descriptor, _ = _opened(path)
    try:
        looks_begun = not os.pread(descriptor, 4, 0).strip(b"\0")
    finally:
        os.close(descriptor)
    return (not_a_begun_ring(path) if looks_begun else None) or unknown


def not_a_left_ring(path: Path) -> str | None:
    """Return why a version 1 ring may not be removed, or None if it may. Raises OSError."""
    status = path.lstat()
    if status.st_size != V1_RING_BYTES:
        return f"it has {status.st_size} bytes, and a ring of version 1 has {V1_RING_BYTES}"
    return _foreign(status)


def not_a_semaphore(path: Path) -> str | None:
    """Return why this is not a semaphore of the C library, or None if it is. Raises OSError.

    Writers have the same rule (semaphores.c), and leave alone what is none.
    """
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        return "it is no file"
    if status.st_size not in _SEMAPHORE_BYTES:
        return f"it has {status.st_size} bytes, and a semaphore has {' or '.join(map(str, _SEMAPHORE_BYTES))}"
    try:
        descriptor, status = _opened(path)
    except BlockingIOError as error:
        return error.strerror
    try:
        third = int.from_bytes(os.pread(descriptor, 4, 8), sys.byteorder)
        return None if third <= _THIRD_WORD_MAX else "there is something else in it"
    finally:
        os.close(descriptor)


def is_begun_publication(path: Path) -> bool:
    """Return whether an object is what a reader or a bridge made and had not written yet when it was killed.

    It is empty, and nobody has it open, as its maker would while it is just making it. Returns False if that can't be
    determined.
    """
    try:
        with nobody_has_it(path) as descriptor:
            status = os.fstat(descriptor)
            most = SIZE if path.name.startswith(BRIDGE) else RECORD.size
            fits = status.st_size <= most and _foreign(status) is None
            return fits and _is_zero(descriptor, status.st_size)
    except OSError:
        return False


@contextmanager
def nobody_has_it(path: Path) -> Iterator[int]:
    """Open the object while no other process, in any namespace, has it open or mapped, and yield its descriptor.

    Raises OSError if another process has it, or if this user may not know; the message says what to do.
    """
    descriptor, _ = _opened(path)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)  # the default, SIGIO, would end us
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except BlockingIOError:
            raise OSError(
                errno.EBUSY, f"another program has it open: see which (fuser -v {shell_word(path)})"
            ) from None
        except OSError as error:
            advice = "whether another program has it open can't be told: ask as its owner or as root"
            raise OSError(error.errno, advice) from None
        yield descriptor
    finally:
        os.close(descriptor)
