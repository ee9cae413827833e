# SPDX-License-Identifier: Apache-2.0
"""The counters that a reader publishes, in a small shared memory object of its own, never in the ring.

Each Consumer(publish=True) has one object, /dev/shm/vshm_consumer_PID_RANDOM, of the size of RECORD. It is written
whole at most four times a second, and removed by close(). The reader holds a lock on it as long as it lives: a pid
alone proves nothing, since in another container it is another process.
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
NAME = re.compile(rf"{PREFIX}[0-9]+_\w+", re.ASCII)  # other programs may use the prefix too
VERSION = 2
EVERY_NS = 250_000_000
ATTEMPTS = 10

RECORD = Struct("<8sIIQQQQQQQQQQ208sQ")


class _Record(NamedTuple):
    """The fields of RECORD. A record is whole if update and again, at its two ends, are equal."""

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
    """The counters of a reader, as in RingInfo.

    Attributes:
        path: the object that they were read from.
        pid: the reader's pid in its own pid namespace.
        name: its comm; "?" if it is in another pid namespace than this process.
        ring: name of the ring that it reads.
        inode: inode of that ring.
        received: frames that it has read.
        missed: frames that were overwritten before it could read them.
        skipped: frames that it passed over by its own policy.
        span: frames since it joined.
        reattached: how often it has changed to another ring.
        updated_ns: when the record was written, ns of CLOCK_MONOTONIC.
        alive: whether its process still runs.
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
    """The published object of one Consumer. Raises RingFull if /dev/shm is full, else VideoShmError."""

    def __init__(self, ring: str) -> None:
        self._pid = os.getpid()
        self._ring = ring.encode()
        self._start = start_time(self._pid) or 0
        self._namespace = pid_namespace()
        self._update = 0
        self._next_ns = 0
        self._descriptor = self._create()
        self._object = os.fstat(self._descriptor)
        # The mapping keeps the lock even if the program closes the descriptor.
        self._hold: memoryview | None = map_object(self._descriptor)

    def _create(self) -> int:
        for _ in range(ATTEMPTS):
            self.path = Path(DIRECTORY) / f"{PREFIX}{self._pid}_{secrets.token_hex(4)}"
            try:
                return self._create_at(self.path)
            except (FileExistsError, BlockingIOError):  # taken by somebody else: try another name
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
            os.posix_fallocate(descriptor, 0, RECORD.size)  # so that no later write can fail for lack of room
            os.fchmod(descriptor, 0o644)  # readable by all, whatever the umask
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        return descriptor

    def update_if_due(self, look: Callable[[], RingInfo]) -> None:
        """Publish the counters if the published ones are a quarter of a second old. Does nothing in a forked child."""
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
        """Return whether the descriptor is still ours: a daemon closes them all, and its number may be reused."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._object)
        except OSError:
            return False

    def _open_again(self) -> bool:
        """Open the object again after its descriptor was closed. Returns False if the object is gone."""
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
        """Remove the object. A forked child only closes it."""
        if os.getpid() == self._pid:
            with suppress(FileNotFoundError):
                if os.path.samestat(self._object, self.path.lstat()):
                    self.path.unlink()
        if self._is_open():
            os.close(self._descriptor)
        self._hold = None


def _is_held(descriptor: int) -> bool:
    """Return whether the reader, or a child that it forked, still holds the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def _read(path: Path) -> PublishedConsumer | None:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):  # not even opened, which would wake the writer of a FIFO
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
    """Return what the readers of this machine publish, including those whose process is gone."""
    paths = sorted(path for path in Path(DIRECTORY).glob(f"{PREFIX}*") if NAME.fullmatch(path.name))
    found = (_read(path) for path in paths)
    return [consumer for consumer in found if consumer is not None]


def by_pid(consumers: Iterable[PublishedConsumer], inode: int) -> dict[int, PublishedConsumer]:
    """Return the live readers of a ring by pid; the pid of a dead one may belong to another process by now."""
    return {consumer.pid: consumer for consumer in consumers if consumer.inode == inode and consumer.alive}
