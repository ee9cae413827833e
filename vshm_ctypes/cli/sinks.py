# SPDX-License-Identifier: Apache-2.0
"""Where a recording goes: the raw elementary stream, or a container."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..frame import Frame
from .container_sink import ContainerSink, is_container
from .sink import Sink, SinkError


class ElementarySink:
    """The access units one after the other, as a decoder takes them. path: None is stdout."""

    def __init__(self, path: Path | None, force: bool) -> None:
        if path is None:
            self._file: Any = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
        else:
            self._file = path.open("wb" if force else "xb", buffering=0)

    def write(self, frame: Frame) -> None:
        """One more access unit, straight to the file. Raises OSError; then the file ends with the one before."""
        rest = memoryview(frame.data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            if self._file.seekable():
                self._file.truncate(self._file.tell() - (frame.size - len(rest)))
            raise

    def close(self) -> None:
        """Nothing more comes."""
        self._file.close()


def opened(kind: Callable[[Path, bool], Sink], path: str, force: bool) -> Sink:
    """A sink of that kind. Raises SinkError, OSError."""
    try:
        return kind(Path(path), force)
    except FileExistsError:
        raise SinkError(errno.EEXIST, "it exists: choose another name, or overwrite it with --force", path) from None


def open_sink(path: str, force: bool) -> Sink:
    """By the path's ending; "-" is stdout. Raises SinkError, OSError."""
    if path == "-":
        return ElementarySink(None, force)
    return opened(ContainerSink if is_container(path) else ElementarySink, path, force)
