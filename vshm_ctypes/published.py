# SPDX-License-Identifier: Apache-2.0
"""What a reader publishes of itself: its counters, in a small object of its own, never in the ring.

One object for each Consumer(publish=True): /dev/shm/vshm_consumer_PID_RANDOM, of RECORD's size, written whole at most
four times a second, and removed by close(). Its reader holds a lock on it as long as it lives: pids, which are other
processes' in other containers, tell nothing by themselves.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from time import monotonic_ns
from typing import NamedTuple

from .descriptors import above_standard_streams
from .errors import RingFull, VideoShmError
from .info import RingInfo
from .processes import is_gone, pid_namespace, process_name, start_time
from .rings import DIRECTORY
from .views import map_object

PREFIX = "vshm_consumer_"
MAGIC = b"VSHMCONS"
NAME = re.compile(rf"{PREFIX}[0-9]+_\w+", re.ASCII)  # others may call their files what they like
VERSION = 2
EVERY_NS = 250_000_000
ATTEMPTS = 10

RECORD = Struct("<8sIIQQQQQQQQQQ208sQ")


class _Record(NamedTuple):
    """RECORD's fields; whole as long as update and again, at its two ends, are the same."""

    magic: bytes
    version: int
    pid: int
    start: int
    namespace: int
    update: int
    inode: int
    received: int
    missed: int
    skipped: int
    span: int
    reattached: int
    updated_ns: int
    ring: bytes
    again: int


@dataclass(frozen=True, slots=True)
class PublishedConsumer:
    """A reader's own counters, as RingInfo has them.

    pid: as its own namespace has it; name: "?" where that is another one than ours. updated_ns: CLOCK_MONOTONIC.
    alive: its process still runs.
    """

    path: Path
    pid: int
    name: str
    ring: str
    inode: int
    received: int
    missed: int
    skipped: int
    span: int
    reattached: int
    updated_ns: int
    alive: bool


class Publication:
    """The writing side, of one Consumer. Raises RingFull (/dev/shm is full), VideoShmError."""

    def __init__(self, ring: str) -> None:
        self._pid = os.getpid()
        self._ring = ring.encode()
        self._start = start_time(self._pid) or 0
        self._namespace = pid_namespace()
        self._update = 0
        self._next_ns = 0
        self._descriptor = self._create()
        self._object = os.fstat(self._descriptor)
        # It keeps the lock, also where the program closes the descriptor.
        self._hold: memoryview | None = map_object(self._descriptor)

    def _create(self) -> int:
        for _ in range(ATTEMPTS):
            self.path = Path(DIRECTORY) / f"{PREFIX}{self._pid}_{secrets.token_hex(4)}"
            try:
                return self._create_at(self.path)
            except (FileExistsError, BlockingIOError):  # somebody else's: there are other names
                continue
            except OSError as error:
                kind = RingFull if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else VideoShmError
                raise kind(error.errno or 0, str(self.path)) from None
        raise VideoShmError(errno.EEXIST, str(self.path), "others hold the names of this process's counters")

    def _create_at(self, path: Path) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with above_standard_streams():
            descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.posix_fallocate(descriptor, 0, RECORD.size)  # so that no later write finds no room
            os.fchmod(descriptor, 0o644)  # whatever the umask: it is for all to see
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        return descriptor

    def update_if_due(self, look: Callable[[], RingInfo]) -> None:
        """Publish the counters if those published are a quarter of a second old; in a forked child do nothing."""
        now_ns = monotonic_ns()
        if now_ns < self._next_ns or os.getpid() != self._pid:
            return
        self._next_ns = now_ns + EVERY_NS
        if not self._is_open() and not self._open_again():
            return
        info = look()
        self._update += 1
        record = _Record(
            magic=MAGIC,
            version=VERSION,
            pid=self._pid,
            start=self._start,
            namespace=self._namespace,
            update=self._update,
            inode=info.inode,
            received=info.received,
            missed=info.missed,
            skipped=info.skipped,
            span=info.span,
            reattached=info.reattached,
            updated_ns=now_ns,
            ring=self._ring,
            again=self._update,
        )
        os.pwrite(self._descriptor, RECORD.pack(*record), 0)

    def _is_open(self) -> bool:
        """Whether the descriptor is still ours: who becomes a daemon closes all, and its number may be a file's now."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._object)
        except OSError:
            return False

    def _open_again(self) -> bool:
        """In place of a descriptor that was closed. Whether that could be: somebody may have removed the object."""
        try:
            with above_standard_streams():
                self._descriptor = os.open(self.path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            self._descriptor = -1
            return False
        if self._is_open():
            return True
        os.close(self._descriptor)
        self._descriptor = -1
        return False

    def close(self) -> None:
        """Remove the object. A forked child only lets go."""
        if os.getpid() == self._pid:
            with suppress(FileNotFoundError):
                if os.path.samestat(self._object, self.path.lstat()):
                    self.path.unlink()
        if self._is_open():
            os.close(self._descriptor)
        self._hold = None


def _is_held(descriptor: int) -> bool:
    """Whether its reader still has the lock; so has a child that it forked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def _read(path: Path) -> PublishedConsumer | None:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):  # not even opened: a FIFO's writer would wake up
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        for _ in range(10):
            content = os.pread(descriptor, RECORD.size, 0)
            if len(content) < RECORD.size:
                return None
            record = _Record._make(RECORD.unpack(content))
            if record.update == record.again:
                break
        else:
            return None
        status = os.fstat(descriptor)
        held = _is_held(descriptor)
    finally:
        os.close(descriptor)
    if record.magic != MAGIC or record.version != VERSION or status.st_size != RECORD.size:
        return None
    sees_it = record.namespace == pid_namespace()
    return PublishedConsumer(
        path=path,
        pid=record.pid,
        name=(process_name(record.pid) if sees_it else None) or "?",
        ring=record.ring.rstrip(b"\0").decode(errors="replace"),
        inode=record.inode,
        received=record.received,
        missed=record.missed,
        skipped=record.skipped,
        span=record.span,
        reattached=record.reattached,
        updated_ns=record.updated_ns,
        alive=held and not is_gone(record.pid, record.start, record.namespace),
    )


def list_published() -> list[PublishedConsumer]:
    """What the readers of this machine publish; alive is false for those whose process is gone."""
    paths = sorted(path for path in Path(DIRECTORY).glob(f"{PREFIX}*") if NAME.fullmatch(path.name))
    found = (_read(path) for path in paths)
    return [consumer for consumer in found if consumer is not None]


def by_pid(consumers: Iterable[PublishedConsumer], inode: int) -> dict[int, PublishedConsumer]:
    """Those that read a ring, without the dead, whose pids others may have by now."""
    return {consumer.pid: consumer for consumer in consumers if consumer.inode == inode and consumer.alive}
