# SPDX-License-Identifier: Apache-2.0
"""Gives a promise a /dev/shm of its own, drops its rights, and limits its room."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from ...workers.shared_memory import SHARED_MEMORY

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
CLONE_NEWPID, CLONE_NEWTIME = 0x20000000, 0x80
MS_REMOUNT, MS_REC, MS_PRIVATE = 0x20, 0x4000, 0x40000
CAPABILITY_VERSION = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def move_in() -> None:
    """Give this process an empty /dev/shm, which disappears with it. Raises OSError if that is not permitted."""
    user, group = os.geteuid(), os.getegid()
    try:
        _check(_libc.unshare(CLONE_NEWNS))
    except PermissionError:
        _check(_libc.unshare(CLONE_NEWUSER | CLONE_NEWNS))
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _check(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    _check(_libc.mount(b"tmpfs", bytes(SHARED_MEMORY), b"tmpfs", 0, b"mode=1777"))


def shrink(free_bytes: int) -> None:
    """Leave so much room in a /dev/shm of one's own. Raises OSError."""
    room = os.statvfs(SHARED_MEMORY)
    used = (room.f_blocks - room.f_bfree) * room.f_frsize
    _check(_libc.mount(None, bytes(SHARED_MEMORY), None, MS_REMOUNT, f"size={used + free_bytes}".encode()))


def hide(folder: str) -> None:
    """Make a folder empty for this process, such as /dev or /proc. Raises OSError."""
    _check(_libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, b""))


def part_from_pids() -> None:
    """Make the next child the first process of a PID namespace, as in a container. Raises OSError if not permitted."""
    _check(_libc.unshare(CLONE_NEWPID))


def part_from_time(seconds: int) -> None:
    """Set the next child's clocks ahead. Raises OSError if not permitted, or if the kernel has no time namespaces."""
    _check(_libc.unshare(CLONE_NEWTIME))
    Path("/proc/self/timens_offsets").write_text(f"monotonic {seconds} 0\nboottime {seconds} 0\n")


def give_up_rights() -> None:
    """Apply permission bits to this process from now on, even if it is root's. Raises OSError."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()))
