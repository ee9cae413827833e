# SPDX-License-Identifier: Apache-2.0
"""Finds and removes rings without loading the library."""

from __future__ import annotations

import re
import stat
from collections.abc import Container, Iterator
from contextlib import suppress
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
_RING = re.compile(rb"/video_stream_ch(\d+)\0")
_MOST_BYTES = 4096  # the largest record that a reader publishes


def ring_names(channel: int) -> list[Path]:
    """Return the paths of a channel's ring and semaphores."""
    names = f"video_stream_ch{channel}", f"sem.video_sem_read_ch{channel}", f"sem.video_sem_write_ch{channel}"
    return [SHARED_MEMORY / name for name in names]


def published_for(channels: Container[int]) -> Iterator[Path]:
    """Yield the records that readers of these channels published, since readers that are killed can't remove them."""
    for path in SHARED_MEMORY.glob("vshm_consumer_*"):
        with suppress(OSError):  # other readers end meanwhile
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_size <= _MOST_BYTES:
                ring = _RING.search(path.read_bytes())
                if ring is not None and int(ring[1]) in channels:
                    yield path


def remove_channel(channel: int) -> None:
    """Remove all that belongs to a channel, whoever created it."""
    for path in (*ring_names(channel), *published_for({channel})):
        path.unlink(missing_ok=True)
