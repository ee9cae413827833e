# SPDX-License-Identifier: Apache-2.0
"""What dead programs left in /dev/shm, and its removal: just that, and nothing that anybody may still use."""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import ProducerNotRunning, VideoShmError
from ..info import RingInfo, State
from ..inspect import inspect
from ..processes import Users, find_users
from ..published import list_published
from ..rings import DEFAULT, DIRECTORY
from .findings import Finding

# glibc's names; musl has them without the prefix.
_SEMAPHORE = re.compile(r"(?:sem\.)?video_sem_(?:write|read)(_ch\d+)?")


def find_rings(rings: dict[str, RingInfo]) -> Iterator[Finding]:
    """Rings that have no writer any more."""
    for name, info in rings.items():
        if info.state == State.DEAD:
            yield Finding(
                "dead-writer",
                name,
                f"its writer (pid {info.writer_pid}) died without closing it",
                "readers wait for the next writer, and the memory stays taken",
                "start the writer again: it takes the ring over; or remove it with vshm check --clean",
            )
        elif info.state == State.CLOSED:
            yield Finding(
                "closed-ring",
                name,
                "its writer closed it, and yet its name is still there",
                "programs that open it see a stream that has ended",
                "start the writer again, or remove it with vshm check --clean",
            )


def _ring_lives(suffix: str) -> bool:
    try:
        return inspect(f"{DEFAULT}{suffix}").state in (State.LIVE, State.UNKNOWN)
    except VideoShmError as error:
        return not isinstance(error, ProducerNotRunning)


def find_semaphores(users: Users) -> Iterator[Finding]:
    """Semaphores of version 1 whose ring has no writer any more, and that no process has mapped."""
    for path in sorted(Path(DIRECTORY).iterdir()):
        match = _SEMAPHORE.fullmatch(path.name)
        if match is None or path.is_symlink() or _ring_lives(match[1] or ""):
            continue
        try:
            inode = path.stat().st_ino
        except OSError:
            continue
        if users.of(inode):
            continue
        yield Finding(
            "stale-semaphore",
            str(path),
            "a semaphore of version 1 whose ring has no writer",
            "a version 1 writer that finds it taken drops every frame",
            "start the writer again: it mends it; or remove it with vshm check --clean",
        )


def find_publications() -> Iterator[Finding]:
    """What readers published that are gone."""
    for consumer in list_published():
        if not consumer.alive:
            yield Finding(
                "stale-publication",
                str(consumer.path),
                f"the counters of a reader (pid {consumer.pid}) that is gone",
                "it takes a page of memory",
                "remove it with vshm check --clean",
            )


def find_leftovers(rings: dict[str, RingInfo], everything: bool) -> list[Finding]:
    """Of these rings; with everything, also what belongs to no ring that is there."""
    found = list(find_rings(rings))
    if everything:
        found += find_semaphores(find_users())
        found += find_publications()
    return found


def _remove_ring(name: str) -> bool:
    """Only what is still without a writer under the lock that writers take to claim it."""
    path = Path(DIRECTORY) / name.removeprefix("/")
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        info = inspect(name)
        if info.inode != os.fstat(descriptor).st_ino or info.state not in (State.DEAD, State.CLOSED):
            return False
        path.unlink()
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)


def _remove_semaphore(path: Path, users: Users) -> bool:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or users.of(status.st_ino):
        return False
    if users.hidden and os.geteuid() != 0:
        raise PermissionError(1, "other users' processes could not be looked at and may use it: run as root", str(path))
    path.unlink()
    return True


def remove(finding: Finding, users: Users) -> bool:
    """Remove a leftover. False: it is in use again. Raises OSError, VideoShmError."""
    if finding.code in ("dead-writer", "closed-ring"):
        return _remove_ring(finding.subject)
    path = Path(finding.subject)
    if finding.code == "stale-semaphore":
        return _remove_semaphore(path, users)
    if not any(consumer.path == path and not consumer.alive for consumer in list_published()):
        return False
    path.unlink()
    return True
