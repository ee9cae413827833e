# SPDX-License-Identifier: Apache-2.0
"""The writing side of a record that a process publishes in an object of its own in /dev/shm.

The object gets its name once it is locked and holds a whole record. Where no file can be made without a name it has one
from the start, and a process that is killed at that moment leaves it empty.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic_ns
from typing import Generic, NamedTuple, TypeVar

from . import left_behind
from .descriptors import above_standard_streams
from .errors import BY_ERRNO, RingFull, VideoShmError
from .inodes import has_no_inodes, no_inodes_told
from .nameless import give_name, open_nameless
from .processes import is_gone, pid_namespace, start_time
from .rings import DIRECTORY
from .views import map_object

EVERY_NS = 250_000_000
ATTEMPTS = 10

Figures = TypeVar("Figures")


class Stamp(NamedTuple):
    """Whose record it is, and which one: update rises with each, at updated_ns of CLOCK_MONOTONIC."""

    pid: int
    start: int
    namespace: int
    update: int
    updated_ns: int


class _Object:
    """A named object of this process in /dev/shm. Once the process is gone, a child that it forked may remove it."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.start = start_time(self.pid) or 0
        self.namespace = pid_namespace()
        self.path: Path | None = None
        self.status: os.stat_result | None = None

    def has_lost_its_owner(self) -> bool:
        """Return whether this process is a child of the one that made it, which is certainly gone."""
        return os.getpid() != self.pid and is_gone(self.pid, self.start, self.namespace)

    def has_its_name(self) -> bool:
        """Return whether its name still leads to it: it may have been removed, and another one made."""
        if self.path is None or self.status is None:
            return False
        try:
            return os.path.samestat(self.status, self.path.lstat())
        except OSError:
            return False

    def remove(self) -> None:
        """Remove its name. In a forked child this does nothing as long as the parent lives."""
        if os.getpid() != self.pid and not self.has_lost_its_owner():
            return
        if self.path is not None and self.has_its_name():
            with suppress(OSError):
                self.path.unlink()
        left_behind.forget(self)


class SharedRecord(Generic[Figures]):
    """A record that this process publishes, beginning with figures. Raises RingFull if /dev/shm is full, VideoShmError.

    A subclass says how the object is named, how large it is, and what its bytes are. read_only: what to do where
    /dev/shm can't be written, or None for the usual advice.
    """

    read_only: str | None = None

    prefix: str
    size: int

    def __init__(self, figures: Figures) -> None:
        self._begin(figures)

    def _pack(self, figures: Figures, stamp: Stamp) -> bytes:
        """Return the bytes of the record."""
        raise NotImplementedError

    def _begin(self, figures: Figures) -> None:
        self._descriptor = -1
        self._hold: memoryview | None = None
        self._update = 0
        self._next_ns = 0
        self._object = _Object()
        left_behind.note(self._object)
        try:
            if not self._create_nameless(figures):
                self._create_named(figures)
            # The mapping keeps the lock even if the program closes the descriptor; not on an overlay: see _open_again.
            self._hold = map_object(self._descriptor)
        except OSError as error:
            self.close()
            if isinstance(error, VideoShmError):
                raise
            kind = RingFull if BY_ERRNO.get(error.errno or 0) is RingFull else VideoShmError
            told = self.read_only if error.errno == errno.EROFS else None
            if error.errno == errno.ENOSPC and has_no_inodes(DIRECTORY):
                told = no_inodes_told()
            raise kind(error.errno or 0, str(self._object.path or DIRECTORY), told) from None

    @property
    def path(self) -> Path:
        """Path of the object."""
        assert self._object.path is not None
        return self._object.path

    def _names(self) -> Iterator[Path]:
        """Yield names to try, since any of them may be taken. Raises VideoShmError after ATTEMPTS."""
        for _ in range(ATTEMPTS):
            yield Path(DIRECTORY) / f"{self.prefix}{self._object.pid}_{secrets.token_hex(4)}"
        raise VideoShmError(errno.EEXIST, DIRECTORY, "others hold the names of this process's records")

    def _create_nameless(self, figures: Figures) -> bool:
        """Make the object without a name, then name it. Returns False if that can't be done here. Raises OSError."""
        with above_standard_streams():
            descriptor = open_nameless(Path(DIRECTORY), 0o600)
        if descriptor is None:
            return False
        self._fill(descriptor, figures)
        for path in self._names():
            self._object.path = path
            try:
                give_name(descriptor, path)
                return True
            except FileExistsError:
                continue
            except OSError:  # a sandbox may forbid it
                os.close(descriptor)
                self._object.path, self._descriptor = None, -1
                return False
        return False

    def _create_named(self, figures: Figures) -> None:
        """Make the object with its name. Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        for path in self._names():
            self._object.path = path
            try:
                with above_standard_streams():
                    descriptor = os.open(path, flags, 0o600)
            except FileExistsError:
                continue
            try:
                self._fill(descriptor, figures)
                return
            except BlockingIOError:  # somebody was just looking whether it is locked
                self._object.remove()
                os.close(descriptor)
                left_behind.note(self._object)

    def _fill(self, descriptor: int, figures: Figures) -> None:
        """Lock the object, and write its first record. Raises OSError."""
        self._descriptor = descriptor
        self._object.status = os.fstat(descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.posix_fallocate(descriptor, 0, self.size)  # so that no later write can fail for lack of room
        self._write(figures, monotonic_ns())
        os.fchmod(descriptor, 0o644)  # readable by all, whatever the umask

    def update_if_due(self, look: Callable[[], Figures]) -> None:
        """Publish the figures if the published ones are a quarter of a second old.

        In a forked child they are the parent's as long as that lives; once it is gone, as with a daemon, the child has
        an object of its own. An object whose name was removed is made anew.
        """
        now_ns = monotonic_ns()
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + EVERY_NS
        is_child = os.getpid() != self._object.pid
        if is_child and not self._object.has_lost_its_owner():
            return
        if is_child or not self._object.has_its_name():
            self._begin_anew(look())
        elif self._is_open() or self._open_again():
            self._write(look(), now_ns)

    def _begin_anew(self, figures: Figures) -> None:
        self.close()
        with suppress(VideoShmError):  # the program goes on, seen or not
            self._begin(figures)

    def _write(self, figures: Figures, now_ns: int) -> None:
        self._update += 1
        whose = self._object
        stamp = Stamp(whose.pid, whose.start, whose.namespace, self._update, now_ns)
        os.pwrite(self._descriptor, self._pack(figures, stamp), 0)

    def _is_object(self, descriptor: int) -> bool:
        """Return whether a descriptor is of our object: a daemon closes them all, and its number may be reused."""
        if descriptor < 0 or self._object.status is None:
            return False
        try:
            return os.path.samestat(os.fstat(descriptor), self._object.status)
        except OSError:
            return False

    def _is_open(self) -> bool:
        return self._is_object(self._descriptor)

    def _open_again(self) -> bool:
        """Open the object again after its descriptor was closed. Returns False if it can't be opened."""
        self._descriptor = -1
        if self._object.path is None:
            return False
        try:
            with above_standard_streams():
                flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                descriptor = os.open(self._object.path, flags)
        except OSError:
            return False
        if self._is_object(descriptor):
            with suppress(OSError):  # where the mapping has kept the lock, it is taken
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._descriptor = descriptor
            return True
        os.close(descriptor)
        return False

    def close(self) -> None:
        """Remove the object. A forked child whose parent lives only closes it. May be called twice."""
        self._object.remove()
        if self._is_open():
            os.close(self._descriptor)
        self._descriptor = -1
        self._hold = None

    def __del__(self) -> None:
        if hasattr(self, "_object"):
            self.close()
