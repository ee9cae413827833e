# SPDX-License-Identifier: Apache-2.0
"""Finds and removes what dead programs left in /dev/shm, and nothing that anybody may still use."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ...bridges.published import PREFIX, bridge_names, list_bridges
from ...errors import IncompatibleRing, ProducerNotRunning, VideoShmError
from ...identity import Identity
from ...info import RingInfo, State
from ...inspect import inspect
from ...leases import Leases
from ...printable import shell_word
from ...processes import Users
from ...published import list_published, publication_names
from ...rings import DEFAULT, DIRECTORY
from .findings import Finding
from .ownership import (
    is_begun_publication,
    kept_by_another_name,
    nobody_has_it,
    not_a_begun_ring,
    not_a_left_ring,
    not_a_ring,
    not_a_semaphore,
)

WATCH_S = 2.0  # a version 1 ring that gets no frame for so long, and that nobody has open, has no writer
LOOK_S = 0.1
# Names of semaphores in glibc; musl has them without the prefix.
_SEMAPHORE = re.compile(r"(?:sem\.)?video_sem_(?:write|read)(_ch\d+)?")


def _path(name: str) -> Path:
    return Path(DIRECTORY) / name.removeprefix("/")


def find_rings(rings: dict[str, RingInfo], users: Users) -> Iterator[Finding]:
    """Yield findings about rings that have no writer any more."""
    for name, info in rings.items():
        unused = users.complete and not users.of(info.identity)
        if info.state == State.UNKNOWN and unused and not _moves(name, info, 0) and not not_a_left_ring(_path(name)):
            yield Finding(
                "abandoned-ring",
                name,
                "a version 1 ring that no process has open: its writer is gone",
                "readers that open it wait for frames that never come, and the memory stays taken",
                "start the writer again, or remove it with vshm check --clean",
            )
        if info.state == State.DEAD:
            yield Finding(
                "dead-writer",
                name,
                f"its writer (pid {info.writer_pid}) died without closing it",
                "readers wait for the next writer, and the memory stays taken",
                "start the writer again, which takes the ring over, or remove it with vshm check --clean",
            )
        elif info.state == State.CLOSED:
            yield Finding(
                "closed-ring",
                name,
                "its writer closed it, but its name was not removed",
                "programs that open it see a stream that has ended",
                "start the writer again, or remove it with vshm check --clean",
            )


def _moves(name: str, info: RingInfo, seconds: float) -> bool:
    """Return whether frames were written since info was read, or are within seconds, by whomever."""
    end = time.monotonic() + seconds
    while True:
        try:
            if inspect(name).frames != info.frames:
                return True
        except VideoShmError:
            return False
        if time.monotonic() >= end:
            return False
        time.sleep(LOOK_S)


def find_unfinished(users: Users) -> Iterator[Finding]:
    """Yield findings about objects that have the name of a ring but are none."""
    for path in sorted(Path(DIRECTORY).glob(f"{DEFAULT[1:]}*")):
        with suppress(OSError, ValueError):  # it is gone, or this user may not read it
            yield from _find_unfinished(path, users)


def _find_unfinished(path: Path, users: Users) -> Iterator[Finding]:
    try:
        inspect(path.name)
        return
    except IncompatibleRing:
        foreign: str | None = not_a_ring(path)
    except ProducerNotRunning as error:
        if error.errno != errno.EAGAIN:
            return
        foreign = not_a_begun_ring(path)
    if foreign is not None:
        yield _no_ring(path, foreign)
    elif users.complete and not users.of(Identity.of(path.stat())):
        yield Finding(
            "unfinished-ring",
            f"/{path.name}",
            "a version 1 writer began this ring and died before it was done",
            "readers try to open it again and again",
            "start the writer again, or remove it with vshm check --clean",
        )


def _no_ring(path: Path, why: str) -> Finding:
    return Finding(
        "not-a-ring",
        f"/{path.name}",
        f"the object of this name is not a ring: {why}",
        "writers and readers of this name fail; vshm check --clean leaves it, since it is not ours",
        f"find out who made it (ls -l {shell_word(path)}), and remove it or choose another name",
    )


def _no_semaphore(path: Path, why: str) -> Finding:
    return Finding(
        "not-a-semaphore",
        str(path),
        f"the object of this name is not a semaphore: {why}",
        "a writer of this ring leaves it alone, as vshm check --clean does, since it is not ours, and its version 1 "
        "readers fail, or wait",
        f"find out who made it (ls -l {shell_word(path)}), and remove it or choose another channel",
    )


def _ring_lives(name: str) -> bool:
    try:
        return inspect(name).state in (State.LIVE, State.UNKNOWN)
    except VideoShmError as error:
        return not isinstance(error, ProducerNotRunning)


def find_semaphores(users: Users, ring: str | None) -> Iterator[Finding]:
    """Yield findings about version 1 semaphores, of one ring or of all, without a writer and not mapped by anybody.

    Also about what has the name of one and is none, whether its ring has a writer or not.
    """
    for path in sorted(Path(DIRECTORY).iterdir()):
        match = _SEMAPHORE.fullmatch(path.name)
        if match is not None and ring in (None, name := f"{DEFAULT}{match[1] or ''}"):
            with suppress(OSError):  # it is gone, or this user may not read it
                yield from _find_semaphore(path, name, users)


def _find_semaphore(path: Path, ring: str, users: Users) -> Iterator[Finding]:
    foreign = not_a_semaphore(path)
    if foreign is not None:
        yield _no_semaphore(path, foreign)
        return
    if _ring_lives(ring) or users.of(Identity.of(path.lstat())):
        return
    yield Finding(
        "stale-semaphore",
        str(path),
        "a version 1 semaphore whose ring has no writer",
        "a version 1 writer that finds it taken drops every frame",
        "start the writer again, which repairs it, or remove it with vshm check --clean",
    )


def _publications() -> dict[Path, bool]:
    """Return what readers and bridges publish, and whether each of them lives."""
    readers = {reader.path: reader.alive for reader in list_published()}
    return readers | {bridge.path: bridge.alive for bridge in list_bridges()}


def find_publications() -> Iterator[Finding]:
    """Yield findings about published counters of readers and bridges that are gone, and about those only begun."""
    is_alive = _publications()
    for path in (*publication_names(), *bridge_names()):
        if not is_alive[path] if path in is_alive else is_begun_publication(path):
            whose = "bridge" if path.name.startswith(PREFIX) else "reader"
            yield Finding(
                "stale-publication",
                str(path),
                f"the counters of a {whose} that is gone",
                "it takes a page of memory",
                "remove it with vshm check --clean",
            )


def find_leftovers(rings: dict[str, RingInfo], users: Users, ring: str | None) -> list[Finding]:
    """Return the leftovers of the given rings; if ring is None, also those that belong to no existing ring.

    users must be fresh.
    """
    found = [*find_rings(rings, users), *find_semaphores(users, ring)]
    if ring is None:
        found += find_unfinished(users)
        found += find_publications()
    return found


def _has_no_writer(name: str, identity: Identity, users: Users) -> bool:
    """Return whether a ring has no writer; a version 1 ring must not be open anywhere. Raises OSError if unknown."""
    path = _path(name)
    unused = users.complete and not users.of(identity)
    try:
        info = inspect(name)
    except ProducerNotRunning as error:
        return error.errno == errno.EAGAIN and unused and not not_a_begun_ring(path)
    if info.identity != identity:
        return False
    if info.state == State.UNKNOWN:
        return unused and not not_a_left_ring(path) and not _moves(name, info, WATCH_S)
    return info.state in (State.DEAD, State.CLOSED)


def _remove_ring(name: str, users: Users) -> bool:
    """Remove a ring if it still has no writer, under the lock that writers take. Returns whether it was removed."""
    path = _path(name)
    descriptor = Leases().open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _has_no_writer(name, Identity.of(os.fstat(descriptor)), users):
            return False
        _remove_only_name(path, os.fstat(descriptor))
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)


def _remove_old_ring(name: str, users: Users) -> bool:
    """Remove a version 1 ring, whose writers take no lock, if nobody has it open. Returns whether it was removed."""
    path = _path(name)
    identity = Identity.of(path.lstat())
    return _has_no_writer(name, identity, users) and _unlink(path, identity)


def _remove_semaphore(path: Path, users: Users) -> bool:
    if not users.sees_all:
        raise PermissionError(errno.EPERM, f"somebody out of sight may use it ({users.unseen})", str(path))
    status = path.lstat()
    identity = Identity.of(status)
    if kept := kept_by_another_name(status):
        raise OSError(errno.EMLINK, f"{kept}: remove it by hand")
    return not users.of(identity) and not not_a_semaphore(path) and _unlink(path, identity)


def _unlink(path: Path, identity: Identity) -> bool:
    """Unlink that object if nobody has it open. Returns whether it was unlinked. Raises OSError."""
    with nobody_has_it(path) as descriptor:
        if Identity.of(os.fstat(descriptor)) != identity:
            return False
        path.unlink()
    return True


def _remove_only_name(path: Path, status: os.stat_result) -> None:
    if kept := kept_by_another_name(status):
        raise OSError(errno.EMLINK, f"{kept}: remove it by hand")
    try:
        path.unlink()
    except PermissionError as error:  # of another user, in a folder with the sticky bit
        advice = f"it belongs to uid {status.st_uid}: remove it as that user or as root"
        raise PermissionError(error.errno, advice, str(path)) from None


def _remove_publication(path: Path) -> bool:
    if not _publications().get(path, True):
        _remove_only_name(path, path.lstat())
        return True
    identity = Identity.of(path.lstat())
    return is_begun_publication(path) and _unlink(path, identity)


def remove(finding: Finding, users: Users) -> bool:
    """Remove a leftover. Returns False if it is in use again, or may be. Raises OSError, VideoShmError."""
    if finding.code in ("abandoned-ring", "unfinished-ring"):
        return _remove_old_ring(finding.subject, users)
    if finding.code in ("dead-writer", "closed-ring"):
        return _remove_ring(finding.subject, users)
    if finding.code == "stale-semaphore":
        return _remove_semaphore(Path(finding.subject), users)
    return finding.code == "stale-publication" and _remove_publication(Path(finding.subject))
