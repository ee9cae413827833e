# SPDX-License-Identifier: Apache-2.0
"""Where rings are, for what looks there or clears up without the library."""

from __future__ import annotations

from pathlib import Path

from vshm_ctypes.rings import DIRECTORY

SHARED_MEMORY = Path(DIRECTORY)


def ring_names(channel: int) -> list[Path]:
    """All that a channel can leave there."""
    names = f"video_stream_ch{channel}", f"sem.video_sem_read_ch{channel}", f"sem.video_sem_write_ch{channel}"
    return [SHARED_MEMORY / name for name in names]
