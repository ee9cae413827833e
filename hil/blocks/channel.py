# SPDX-License-Identifier: Apache-2.0
"""Channels for measuring, which no camera and no other process uses."""

from __future__ import annotations

import itertools
import os

from ..workers.shared_memory import SHARED_MEMORY, published_for

_numbers = itertools.count()


def channels_of(pid: int) -> range:
    """Return channel numbers that no other process uses."""
    first = 10_000_000 + pid % 4_194_304 * 100
    return range(first, first + 100)


def free_channel() -> int:
    """Return one that this process has not used so far."""
    own = channels_of(os.getpid())
    return own[next(_numbers) % len(own)]


def remove_all_of(pid: int) -> None:
    """Remove whatever belongs to a channel of that process."""
    own = channels_of(pid)
    for path in SHARED_MEMORY.iterdir():
        number = path.name.rpartition("_ch")[2]
        if number.isdecimal() and int(number) in own:
            path.unlink(missing_ok=True)
    for path in published_for(own):
        path.unlink(missing_ok=True)
