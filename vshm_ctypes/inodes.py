# SPDX-License-Identifier: Apache-2.0
"""File systems that have room but no inode left: "No space left on device" is all that the kernel says of them."""

from __future__ import annotations

import os

from .rings import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

INODES_ADVICE = "remove what nobody needs there, or mount it with a larger nr_inodes"


def has_no_inodes(folder: str | Path) -> bool:
    """Return whether the file system has room but no inodes left. Some, such as FAT, report no inodes at all."""
    try:
        told = os.statvfs(folder)
    except OSError:
        return False
    return told.f_files > 0 and told.f_favail == 0 and told.f_bavail > 0


def no_inodes_told() -> str:
    """Return what to say of /dev/shm if it is so there."""
    return f"{DIRECTORY} has no inode left for another file, of {os.statvfs(DIRECTORY).f_files}: {INODES_ADVICE}"
