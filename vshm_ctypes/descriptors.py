# SPDX-License-Identifier: Apache-2.0
"""Keeps descriptors 0, 1 and 2 for a program's standard streams, even if it was started without them.

If a ring became descriptor 2, any library's error message would overwrite its header.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_LAST = 2
_STREAMS = (("stdin", "r", os.O_RDONLY), ("stdout", "w", os.O_WRONLY), ("stderr", "w", os.O_WRONLY))


@contextmanager
def above_standard_streams() -> Iterator[None]:
    """Give what the block opens a descriptor of 3 or more. Raises OSError if none is free."""
    held = []
    try:
        while (descriptor := os.open("/", os.O_PATH | os.O_CLOEXEC)) <= _LAST:
            held.append(descriptor)
        os.close(descriptor)
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)


def open_standard_streams() -> None:
    """Open closed standard streams as /dev/null, for Python and for children. Programs call this as they start.

    A library that was loaded before may have taken a number, as libffi does for its own file, and keeps it.
    """
    for number, (name, mode, flags) in enumerate(_STREAMS):
        is_free, was_closed = not _is_open(number), getattr(sys, name) is None
        # open() takes the lowest descriptor that is free: if this one is, it is this one.
        descriptor = open_null(flags) if is_free or was_closed else number
        if is_free:
            os.set_inheritable(descriptor, True)
        if was_closed:
            setattr(sys, name, os.fdopen(descriptor, mode, closefd=False, errors="replace"))


def open_null(flags: int) -> int:
    """Open /dev/null, or what comes closest to it where a bare /dev lacks it: an empty file in memory."""
    try:
        return os.open(os.devnull, flags)
    except FileNotFoundError:
        return os.memfd_create("null")


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
