# SPDX-License-Identifier: Apache-2.0
"""Where rings are, for what looks there or clears up without the library: no library is loaded by importing this."""

from __future__ import annotations

from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")


def ring_names(channel: int) -> list[Path]:
    """All that a channel can leave there."""
    names = f"video_stream_ch{channel}", f"sem.video_sem_read_ch{channel}", f"sem.video_sem_write_ch{channel}"
    return [SHARED_MEMORY / name for name in names]
