# SPDX-License-Identifier: Apache-2.0
"""What this process can not see of itself: whether it runs in a container, and whose numbers its users' are."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from .processes import PROC, pid_namespace

_FIRST_PIDS, _FIRST_USERS = 0xEFFFFFFC, 0xEFFFFFFD  # inodes of the namespaces that the machine itself begins in
_MANAGED = Path("/run/systemd/system")  # there where systemd was booted, also in a container that is a whole system


def in_container() -> bool:
    """Return whether this process runs in a container of one program, whose options are the way to change its rights.

    A container that has booted a system of its own has users and groups like any machine, and does not count.
    """
    namespaces = {pid_namespace(): _FIRST_PIDS, _user_namespace(): _FIRST_USERS}
    return not _MANAGED.exists() and any(own not in (0, first) for own, first in namespaces.items())


def _user_namespace() -> int:
    with suppress(OSError):
        return (PROC / "self/ns/user").stat().st_ino
    return 0


def has_no_number(identifier: int, kind: str) -> bool:
    """Return whether that uid or gid stands for all that have no number in this user namespace. kind: "uid", "gid"."""
    with suppress(OSError, ValueError):
        if identifier != int((PROC / f"sys/kernel/overflow{kind}").read_text()):
            return False
        for line in (PROC / f"self/{kind}_map").read_text().splitlines():
            inside, outside, count = map(int, line.split())
            if inside == outside == 0 and count >= 2**32 - 1:
                return False  # all of the machine's
        return True
    return False


def is_in_memory(folder: str) -> bool | None:
    """Return whether the files of a folder lie in memory, or None if that is not told."""
    best, kind, folder = "", None, os.path.realpath(folder)
    with suppress(OSError, ValueError):
        for line in (PROC / "self/mountinfo").read_text(errors="replace").splitlines():
            before, after = line.split(" - ", 1)
            point = before.split()[4]
            if (folder == point or folder.startswith(f"{point.rstrip('/')}/")) and len(point) >= len(best):
                best, kind = point, after.split()[0]
    return None if kind is None else kind in ("tmpfs", "ramfs", "devtmpfs")
