# SPDX-License-Identifier: Apache-2.0
"""Files that are there whole, or as they were before: a full disk, or whatever ends the program, leaves no half of one.

They have no name until they are whole, so that not even SIGKILL leaves something; where the file system has no such
files, they have one that ends in .unfinished meanwhile.
"""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import IO

from .ending import held

_SELF = Path("/proc/self/fd")


class WholeFile:
    """The file to write into; a context manager, which gives it its name where the block ends well.

    To be entered and left in held(). force: overwrite one that is there. Raises FileExistsError, OSError.
    """

    def __init__(self, path: Path, force: bool = True) -> None:
        self._path = path.resolve()  # where a link leads to
        # Nobody else's who is making this file, in whatever container or machine.
        self._unfinished = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}.unfinished")
        self._force = force
        self._is_nameless = False
        self._file: IO[bytes]

    def __enter__(self) -> IO[bytes]:
        if not self._force and self._path.exists():
            raise self._is_there()
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
        if not _SELF.exists():
            return None  # by which it gets its name
        try:
            descriptor = os.open(self._path.parent, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o666)
        except OSError:  # of whatever else is wrong, the one with a name tells
            return None
        self._is_nameless = True
        return os.fdopen(descriptor, "w+b")

    def _named(self) -> IO[bytes]:
        try:
            return self._unfinished.open("x+b")
        except OSError as error:  # of the file that was asked for
            raise OSError(error.errno, error.strerror, str(self._path)) from None

    def _keep(self) -> None:
        if not self._is_nameless:
            if not self._force:
                self._claim()
            self._unfinished.replace(self._path)
            return
        try:
            self._link(self._path)
        except FileExistsError:
            if not self._force:
                raise self._is_there() from None
            self._is_nameless = False
            self._unfinished.unlink(missing_ok=True)
            self._link(self._unfinished)
            self._unfinished.replace(self._path)

    def _claim(self) -> None:
        """Its name, before anybody else has it. Not by a link, which those file systems do not have either."""
        try:
            self._path.open("xb").close()
        except FileExistsError:
            raise self._is_there() from None

    def _link(self, path: Path) -> None:
        number = self._file.fileno()
        # Only with a folder's descriptor, whichever, it is linkat(), which follows the symbolic link.
        os.link(_SELF / str(number), path, src_dir_fd=number, follow_symlinks=True)

    def _is_there(self) -> FileExistsError:
        return FileExistsError(errno.EEXIST, "it is there already: --force overwrites it", str(self._path))


def write_whole(path: Path, content: str | bytes, force: bool = True) -> None:
    """Write a file. force: overwrite one that is there. Raises FileExistsError, OSError, which name it."""
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and not path.is_file():  # a pipe, or a device
        path.write_bytes(data)
        return
    try:
        with held(), WholeFile(path, force) as file:
            file.write(data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
