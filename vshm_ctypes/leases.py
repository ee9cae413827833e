# SPDX-License-Identifier: Apache-2.0
"""Looks at files without opening one on which somebody holds a lease (fcntl's F_SETLEASE).

The open itself, even to read and without waiting, sends the holder a signal, SIGIO unless it chose another one, which
ends a program that has no handler for it.
"""

from __future__ import annotations

import errno
import os
import stat

from .identity import Identity

_LOCKS = "/proc/locks"


class Leases:
    """The leases that are in sight: those of this pid namespace, where /proc is mounted. Read once, when first asked.

    Leases that an open to read does not break are left out.
    """

    def __init__(self) -> None:
        self._holders: dict[int, dict[int, int]] | None = None

    def holder(self, path: str | os.PathLike[str]) -> int:
        """Return the pid of the process that opening this file to read would signal, or 0 if there is none in sight."""
        try:
            status = os.lstat(path)
        except OSError:
            return 0
        if not stat.S_ISREG(status.st_mode):
            return 0
        if self._holders is None:
            self._holders = _holders()
        devices = self._holders.get(status.st_ino)
        return 0 if devices is None else devices.get(_device_told(path), 0)

    def open(self, path: str | os.PathLike[str]) -> int:
        """Open a regular file to read it, and return the descriptor, if that wakes, holds up and signals nobody.

        Raises BlockingIOError if somebody holds a lease on it, OSError (EPROTO) if it is no regular file, OSError.
        """
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise OSError(errno.EPROTO, "it is no file", os.fspath(path))
        if pid := self.holder(path):
            raise BlockingIOError(errno.EAGAIN, tell_holder(pid), os.fspath(path))
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)


def tell_holder(pid: int) -> str:
    """Return who holds a lease, for messages."""
    from .processes import tell_program  # which takes longer to load than all of this

    return f"process {tell_program(pid)} holds a lease on it, and is signalled when it is opened"


def _device_told(path: str | os.PathLike[str]) -> int:
    from .mounts import Mounts  # which is needed for the file of a lease only, or one of the same number elsewhere

    try:
        return Mounts().mapped_device_at(path)
    except OSError:  # it is gone
        return 0


def _holders() -> dict[int, dict[int, int]]:
    """Return {inode: {device: pid of who holds a lease}}."""
    found: dict[int, dict[int, int]] = {}
    try:
        with open(_LOCKS, encoding="ascii") as lines:
            for line in lines:
                words = line.split()  # number, LEASE, state, what is held, pid, MAJOR:MINOR:INODE
                if words[1] == "LEASE" and words[2:4] != ["ACTIVE", "READ"]:
                    device, _, inode = words[5].rpartition(":")
                    told = Identity.mapped(device, inode)
                    found.setdefault(told.inode, {})[told.device] = int(words[4])
    except OSError:  # /proc is not there, or does not tell
        pass
    return found
