# SPDX-License-Identifier: Apache-2.0
"""Files that get their name once they are complete: a program that is killed before that leaves nothing."""

from __future__ import annotations

import os
from pathlib import Path

_SELF = Path("/proc/self/fd")


def open_nameless(folder: Path, mode: int = 0o666) -> int | None:
    """Return a descriptor of a new file, to read and write, or None if none can be made, or none could be named."""
    if not _SELF.exists():
        return None  # it is needed for the name
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, mode)
    except OSError:  # any other error will come from the attempt with a name
        return None


def give_name(descriptor: int, path: Path) -> None:
    """Give such a file its name. Raises FileExistsError, OSError."""
    # With a descriptor of any kind Python calls linkat(), which can follow the symbolic link.
    os.link(_SELF / str(descriptor), path, src_dir_fd=descriptor, follow_symlinks=True)
