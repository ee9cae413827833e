# SPDX-License-Identifier: Apache-2.0
"""Writes files atomically: a file is whole or as it was before, even if the disk is full or the program is killed.

A file has no name until it is whole (O_TMPFILE), so that not even SIGKILL leaves anything behind. On a file system
without nameless files, its name ends in .unfinished meanwhile.
"""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import IO

from ..nameless import give_name, open_nameless
from ..printable import utf8
from .ending import held


def is_there(path: Path) -> FileExistsError:
    """Return the error of a file that exists and may not be overwritten, which says how it may."""
    return FileExistsError(errno.EEXIST, "it is there already: --force overwrites it", str(path))


class WholeFile:
    """A context manager that yields a file to write into, and gives it its name if the block does not raise.

    Enter and leave it within held(). With force an existing file is overwritten. Raises FileExistsError, OSError.
    """

    def __init__(self, path: Path, force: bool = True) -> None:
        self._path = path.resolve()  # follow a symbolic link
        # Unique, even if another container or machine is making the same file.
        self._unfinished = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}.unfinished")
        self._force = force
        self._is_nameless = False
        self._file: IO[bytes]

    def __enter__(self) -> IO[bytes]:
        if not self._force and self._path.exists():
            raise is_there(self._path)
        self._file = self._nameless() or self._named()
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with self._file:
                if kind is None:
                    self._file.flush()
                    self._keep()
        finally:
            if not self._is_nameless:
                self._unfinished.unlink(missing_ok=True)

    def _nameless(self) -> IO[bytes] | None:
        descriptor = open_nameless(self._path.parent)
        if descriptor is None:
            return None
        self._is_nameless = True
        return os.fdopen(descriptor, "w+b")

    def _named(self) -> IO[bytes]:
        try:
            return self._unfinished.open("x+b")
        except OSError as error:  # name the file that was asked for
            raise OSError(error.errno, error.strerror, str(self._path)) from None

    def _keep(self) -> None:
        if not self._is_nameless:
            if not self._force:
                self._claim()
            self._unfinished.replace(self._path)
            return
        try:
            give_name(self._file.fileno(), self._path)
        except FileExistsError:
            if not self._force:
                raise is_there(self._path) from None
            self._is_nameless = False
            self._unfinished.unlink(missing_ok=True)
            give_name(self._file.fileno(), self._unfinished)
            self._unfinished.replace(self._path)

    def _claim(self) -> None:
        """Claim the name by making an empty file, as a file system without nameless files may have no links either."""
        try:
            self._path.open("xb").close()
        except FileExistsError:
            raise is_there(self._path) from None


def write_whole(path: Path, content: str | bytes, force: bool = True) -> None:
    """Write a whole file; with force an existing one is overwritten. Raises FileExistsError, OSError, naming it."""
    data = utf8(content).encode() if isinstance(content, str) else content
    if path.exists() and not path.is_file():  # a pipe, or a device
        path.write_bytes(data)
        return
    try:
        with held(), WholeFile(path, force) as file:
            file.write(data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
