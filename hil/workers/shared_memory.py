# SPDX-License-Identifier: Apache-2.0
"""Where rings are, for what looks there or clears up without the library: no library is loaded by importing this."""

from __future__ import annotations

import re
import stat
from collections.abc import Container, Iterator
from contextlib import suppress
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
_RING = re.compile(rb"/video_stream_ch(\d+)\0")
_MOST_BYTES = 4096  # of what a reader publishes


def ring_names(channel: int) -> list[Path]:
    """A channel's ring and semaphores."""
    names = f"video_stream_ch{channel}", f"sem.video_sem_read_ch{channel}", f"sem.video_sem_write_ch{channel}"
    return [SHARED_MEMORY / name for name in names]


def published_for(channels: Container[int]) -> Iterator[Path]:
    """What readers of these channels' rings have published: those that are killed can't remove it."""
    for path in SHARED_MEMORY.glob("vshm_consumer_*"):
        with suppress(OSError):  # others' readers end meanwhile
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_size <= _MOST_BYTES:
                ring = _RING.search(path.read_bytes())
                if ring is not None and int(ring[1]) in channels:
                    yield path


def remove_channel(channel: int) -> None:
    """Remove all that belongs to a channel, whoever left it."""
    for path in (*ring_names(channel), *published_for({channel})):
        path.unlink(missing_ok=True)
