# SPDX-License-Identifier: Apache-2.0
"""The counters that a reader publishes, in a small shared memory object of its own, never in the ring.

Each Consumer(publish=True) has one object, /dev/shm/vshm_consumer_PID_RANDOM, of the size of RECORD. It is written
whole from the start and then at most four times a second, and removed by close(). The reader holds a lock on it as
long as it lives: a pid alone proves nothing, since in another container it is another process.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from .identity import Identity
from .leases import Leases
from .processes import Users, is_gone, pid_namespace, process_name
from .rings import DIRECTORY

PREFIX = "vshm_consumer_"
MAGIC = b"VSHMCONS"
NAME = re.compile(rf"{PREFIX}[0-9]+_\w+", re.ASCII)  # other programs may use the prefix too
VERSION = 2

RECORD = Struct("<8sIIQQQQQQQQQQ208sQ")
UPDATE_OFFSET = 32


class Record(NamedTuple):
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
        device: device of that ring, which is that of its readers' objects.
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
    device: int
    inode: int
    received: int
    missed: int
    skipped: int
    span: int
    reattached: int
    updated_ns: int
    alive: bool

    @property
    def identity(self) -> Identity:
        """Which object the ring is."""
        return Identity(self.device, self.inode)


def _is_held(descriptor: int) -> bool:
    """Return whether the process, or a child that it forked, still holds the lock.

    Where nobody may ask, as in a sandbox or on a file system without locks, it does: what can't be seen is not gone.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def read_shared_record(path: Path, size: int, leases: Leases) -> tuple[bytes, os.stat_result, bool] | None:
    """Read an object that a stranger may have made: its first size bytes, its status, and whether its maker lives.

    Returns None if it is none of that size, or if the 64-bit numbers at the two ends of the record, of which the first
    lies at offset 32, never agree: then it is not whole.
    """
    try:
        descriptor = leases.open(path)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if status.st_size != size:
            return None
        for _ in range(10):
            content = os.pread(descriptor, size, 0)
            if len(content) < size:
                return None
            if content[UPDATE_OFFSET : UPDATE_OFFSET + 8] == content[-8:]:
                return content, status, _is_held(descriptor)
        return None
    finally:
        os.close(descriptor)


def _read(path: Path, leases: Leases) -> PublishedConsumer | None:
    found = read_shared_record(path, RECORD.size, leases)
    if found is None:
        return None
    content, status, held = found
    record = Record._make(RECORD.unpack(content))
    if record.magic != MAGIC or record.version != VERSION:
        return None
    sees_it = record.namespace == pid_namespace()
    return PublishedConsumer(
        path=path,
        pid=record.pid,
        name=(process_name(record.pid) if sees_it else None) or "?",
        ring=os.fsdecode(record.ring.rstrip(b"\0")),
        device=status.st_dev,
        inode=record.inode,
        received=record.received,
        missed=record.missed,
        skipped=record.skipped,
        span=record.span,
        reattached=record.reattached,
        updated_ns=record.updated_ns,
        alive=held and not is_gone(record.pid, record.start, record.namespace),
    )


def publication_names() -> list[Path]:
    """Return all that bears the name of such an object, whatever it is."""
    return sorted(path for path in Path(DIRECTORY).glob(f"{PREFIX}*") if NAME.fullmatch(path.name))


def list_published() -> list[PublishedConsumer]:
    """Return what the readers of this machine publish, including those whose process is gone."""
    leases = Leases()
    found = [_read(path, leases) for path in publication_names()]
    return [consumer for consumer in found if consumer is not None]


def by_pid(consumers: Iterable[PublishedConsumer], users: Users, identity: Identity) -> dict[int, PublishedConsumer]:
    """Return the live readers of a ring by the pids that they have here, as far as they are in sight.

    Each maps the object that it publishes: the pid in it is another one where the reader is in a container.
    """
    found: dict[int, PublishedConsumer] = {}
    for consumer in consumers:
        if consumer.identity == identity and consumer.alive:
            with suppress(OSError):  # it has ended meanwhile
                found |= {process.pid: consumer for process in users.of(Identity.of(consumer.path.stat()))}
    return found
