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
        while (descriptor := os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)) <= _LAST:
            held.append(descriptor)
        os.close(descriptor)
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)


def open_standard_streams() -> None:
    """Open closed standard streams as /dev/null, for Python and for children. Programs call this as they start."""
    for number, (name, mode, flags) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:  # open() takes the lowest free descriptor, which is this one
            os.set_inheritable(os.open(os.devnull, flags), True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False, errors="replace"))
