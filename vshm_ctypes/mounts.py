# SPDX-License-Identifier: Apache-2.0
"""Which device /proc/PID/maps and /proc/locks tell for an object: that of its mount, where stat() may tell another one.

On btrfs stat() tells one device for each subvolume, on an overlay of several file systems one for each of them.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


class Mounts:
    """The mounts of this process now."""

    def __init__(self) -> None:
        self._devices: dict[str, int] = {}
        with suppress(OSError):  # without /proc
            for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines():
                mount, _, device, *_ = line.split()
                major, _, minor = device.partition(":")
                self._devices[mount] = os.makedev(int(major), int(minor))

    def mapped_device(self, descriptor: int) -> int:
        """Return the device that maps tell for an open object; that of stat() where it can't be found out.

        Raises OSError if nothing is open as descriptor.
        """
        device = os.fstat(descriptor).st_dev
        with suppress(OSError):
            for line in Path(f"/proc/self/fdinfo/{descriptor}").read_text().splitlines():
                if line.startswith("mnt_id:"):
                    return self._devices.get(line.split()[1], device)
        return device

    def mapped_device_at(self, path: str | os.PathLike[str]) -> int:
        """Return the device that maps tell for what is there, as mapped_device() does. Raises OSError."""
        try:
            descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:  # none may be left
            return os.lstat(path).st_dev
        try:
            return self.mapped_device(descriptor)
        finally:
            os.close(descriptor)
