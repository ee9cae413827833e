# SPDX-License-Identifier: Apache-2.0
"""The file of a bundle: a tar archive compressed with zstd. Reading one is bounded, and nothing is ever unpacked."""

from __future__ import annotations

import errno
import io
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ..commandline.atomic_file import WholeFile

MOST_MEMBERS = 4096
MOST_BYTES = 1024**3
ENDING = ".tar.zst"


def _zstd() -> Any:
    """Return the module compression.zstd, or its backport before Python 3.14. Raises ImportError."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


class BundleError(OSError):
    """The file is not a bundle, or not one that is safe to open."""


class Writer:
    """Writes a bundle, which gets its name only once it is whole. Enter and leave it within held().

    Raises FileExistsError, OSError, ImportError.
    """

    def __init__(self, path: Path, force: bool) -> None:
        self._file = WholeFile(path, force)
        self._zstd = _zstd()
        self._stack = ExitStack()
        self._tar: tarfile.TarFile

    def add(self, name: str, content: bytes | IO[bytes]) -> int:
        """Add a member, and return its size in bytes."""
        file = io.BytesIO(content) if isinstance(content, bytes) else content
        member = tarfile.TarInfo(name)
        member.size = file.seek(0, io.SEEK_END)
        member.mtime = int(time.time())
        file.seek(0)
        self._tar.addfile(member, file)
        return member.size

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            packed = stack.enter_context(self._zstd.ZstdFile(stack.enter_context(self._file), "w"))
            self._tar = stack.enter_context(tarfile.open(fileobj=packed, mode="w|"))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)


class _Bounded(io.RawIOBase):
    """A file that raises an error after MOST_BYTES, however well it was compressed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = MOST_BYTES

    def read(self, size: int = -1, /) -> bytes:
        """Read up to size bytes. Raises BundleError."""
        if size > self._left:
            raise BundleError(errno.EFBIG, "larger than any bundle: it is not opened")
        data = self._file.read(size)
        self._left -= len(data)
        return data


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of each member. Raises BundleError, OSError, ImportError."""
    zstd = _zstd()
    try:
        with zstd.ZstdFile(path) as file, tarfile.open(fileobj=_Bounded(file), mode="r|") as tar:
            for count, member in enumerate(tar):
                if count >= MOST_MEMBERS:
                    raise BundleError(errno.EFBIG, "more members than any bundle has: it is not opened")
                content = tar.extractfile(member) if member.isreg() else None
                if content is not None:
                    yield member.name, content.read()
    except (zstd.ZstdError, tarfile.TarError, EOFError, ValueError) as error:
        raise BundleError(errno.EINVAL, f"not a bundle, or cut off: {error}", str(path)) from None
    except BundleError as error:
        raise BundleError(error.errno, error.strerror, str(path)) from None
