# SPDX-License-Identifier: Apache-2.0
"""Hosts whose sandbox refuses system calls."""

from __future__ import annotations

import errno
import os
import socket
import sys
from pathlib import Path

from .host import Host

HERE = Path(__file__).parent

# Of the machine: numbers of calls, as refusing.py takes them.
_CALLS: dict[str, dict[str, str]] = {
    "x86_64": {
        "setitimer": "38",
        "alarm": "37",
        "memfd_create": "319",
        "statx": "332",
        "timerfd_create": "283",
        "pidfd_open": "434",
        "pidfd_send_signal": "424",
        "futex_waitv": "449",
        "inotify_init1": "294",
        "renameat2": "316",
        "close_range": "436",
        "clone3": "435",
        "openat2": "437",
        "copy_file_range": "326",
        "fcntl": "72",
        "openat": "257",
        "socket": "41",
        "socketpair": "53",
        "flock": "73",
        "pread64": "17",
    },
    "aarch64": {
        "setitimer": "103",
        "memfd_create": "279",
        "statx": "291",
        "timerfd_create": "85",
        "pidfd_open": "434",
        "pidfd_send_signal": "424",
        "futex_waitv": "449",
        "inotify_init1": "26",
        "renameat2": "276",
        "close_range": "436",
        "clone3": "435",
        "openat2": "437",
        "copy_file_range": "285",
        "fcntl": "25",
        "openat": "56",
        "socket": "198",
        "socketpair": "199",
        "flock": "32",
        "pread64": "67",
    },
}


def refusing(what: str, error: int, *names: str) -> Host:
    """Return a host on which calls fail with that error number; "fcntl:1=37" is one whose argument 1 is 37."""
    numbers = _CALLS.get(os.uname().machine, {})
    parts = [name.partition(":") for name in names]
    calls = [numbers[call] + colon + rest for call, colon, rest in parts if call in numbers]
    return Host(
        f"no {what}: {errno.errorcode[error]}",
        f"a sandbox refuses the system calls of {what}",
        of=frozenset({"system calls"}),
        before=(sys.executable, str(HERE / "refusing.py"), str(error), *calls, "--"),
    )


def refusing_timers(error: int) -> Host:
    """Return a host on which timers fail with that error number."""
    return refusing("timers", error, "setitimer", "alarm")


def refusing_locks(error: int) -> Host:
    """Return a host on which locks of open files fail with that error number."""
    return refusing("locks of open files", error, "fcntl:1=37", "fcntl:1=38")


def refusing_locks_of_whole_files(error: int) -> Host:
    """Return a host on which flock() fails with that error number."""
    return refusing("locks of whole files", error, "flock")


def refusing_reads_of_rings(error: int, size: int = 64) -> Host:
    """Return a host on which reading what a ring begins with, or so many bytes, fails with that error number."""
    return refusing(f"reads of {size} bytes of rings", error, f"pread64:2={size}")


def refusing_nameless_files(error: int) -> Host:
    """Return a host on which O_TMPFILE fails with that error number."""
    return refusing("files without a name", error, f"openat:2&{os.O_TMPFILE & ~os.O_DIRECTORY}")


def refusing_rare_calls(error: int) -> Host:
    """Return a host on which calls that few programs make fail with that error number."""
    rare = ("memfd_create", "statx", "timerfd_create", "pidfd_open", "pidfd_send_signal", "futex_waitv")
    more = ("inotify_init1", "renameat2", "close_range", "copy_file_range", "openat2")
    fork = ["clone3"] if error == errno.ENOSYS else []  # the C library does without, if there is none
    return refusing("rare calls", error, *rare, *more, *fork)


def refusing_sockets(family: str) -> Host:
    """Return a host without sockets of "AF_UNIX", or "AF_INET" and AF_INET6, as RestrictAddressFamilies= makes it."""
    families = {"AF_UNIX": [socket.AF_UNIX], "AF_INET": [socket.AF_INET, socket.AF_INET6]}[family]
    calls = [f"{call}:0={number:d}" for call in ("socket", "socketpair") for number in families]
    return refusing(family, errno.EAFNOSUPPORT, *calls)


def refusing_threads(error: int) -> Host:
    """Return a host on which clone3() fails, as in an older container: a newer C library starts no thread then."""
    return refusing("clone3", error, "clone3")
