# SPDX-License-Identifier: Apache-2.0
"""Files that get their name once they are what they shall be: who is killed before that leaves nothing."""

from __future__ import annotations

import os
from pathlib import Path

_SELF = Path("/proc/self/fd")


def open_nameless(folder: Path, mode: int = 0o666) -> int | None:
    """A descriptor to read and write, of a new file; None: here are none without a name, or none could get one."""
    if not _SELF.exists():
        return None  # by which it gets its name
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, mode)
    except OSError:  # of whatever else is wrong, the attempt with a name tells
        return None


def give_name(descriptor: int, path: Path) -> None:
    """Raises FileExistsError, OSError."""
    # Only with a folder's descriptor, whichever, it is linkat(), which follows the symbolic link.
    os.link(_SELF / str(descriptor), path, src_dir_fd=descriptor, follow_symlinks=True)
