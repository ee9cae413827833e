# SPDX-License-Identifier: Apache-2.0
"""Descriptors 0, 1 and 2 are a program's own, also where it was started without them: nothing of ours may lie there.

A ring that became descriptor 2 would take any library's message for its header.
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
    """What is opened inside gets a descriptor of 3 or more. Raises OSError: none is left."""
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
    """For programs, as they begin: standard streams that are closed lead to /dev/null, for Python and children too."""
    for number, (name, mode, flags) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:  # the lowest that is free, which is this one
            os.set_inheritable(os.open(os.devnull, flags), True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False, errors="replace"))
