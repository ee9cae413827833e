# SPDX-License-Identifier: Apache-2.0
"""Which object it is: each tmpfs counts its inodes from 1, so that an inode alone may be another mount's."""

from __future__ import annotations

import os
from typing import NamedTuple, Self


class Identity(NamedTuple):
    """Device and inode, as stat() has them."""

    device: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """Of the object that was asked for."""
        return cls(status.st_dev, status.st_ino)

    @classmethod
    def mapped(cls, device: str, inode: str) -> Self:
        """Of a line of /proc/PID/maps, which has the device as MAJOR:MINOR in hexadecimal. Raises ValueError."""
        major, _, minor = device.partition(":")
        return cls(os.makedev(int(major, 16), int(minor, 16)), int(inode))
