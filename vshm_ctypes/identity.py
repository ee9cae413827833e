# SPDX-License-Identifier: Apache-2.0
"""Which object something is: each tmpfs counts its inodes from 1, so an inode alone may be that of another mount."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, Self
else:
    from ._named_tuple import NamedTuple


class Identity(NamedTuple):
    """Device and inode of an object, as in stat()."""

    device: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """Return that of the object whose status is given."""
        return cls(status.st_dev, status.st_ino)

    @classmethod
    def mapped(cls, device: str, inode: str) -> Self:
        """Return that of a line in /proc/PID/maps, where device is MAJOR:MINOR in hexadecimal. Raises ValueError."""
        major, _, minor = device.partition(":")
        return cls(os.makedev(int(major, 16), int(minor, 16)), int(inode))
