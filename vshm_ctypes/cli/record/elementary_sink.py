# SPDX-License-Identifier: Apache-2.0
"""Writes a recording as an elementary stream, without a container."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from ...commandline.locked_file import open_alone
from ...commandline.standard_output import OutputFile
from ...decodable import Picture
from .file_kinds import misfit
from .sink import SinkError


class ElementarySink:
    """Writes access units one after the other, as a decoder takes them. Without a path it writes to stdout."""

    def __init__(self, path: Path | None, force: bool) -> None:
        self._path = path
        if path is None:
            self._file: Any = OutputFile(os.dup(sys.stdout.fileno()), "w")
        else:
            self._file = open_alone(path, force)
        self._shape: tuple[object, ...] | None = None

    @property
    def _begun(self) -> bool:
        """Whether there is a picture in it already."""
        return self._shape is not None

    def _content(self, picture: Picture) -> bytes:
        """Return what is written of a picture. Raises SinkError."""
        return picture.data

    def fits(self, picture: Picture) -> bool:
        """Return whether codec, size, chroma format and bit depth are the same as before."""
        return self._shape is None or self._shape == _samples(picture)

    def write(self, picture: Picture) -> None:
        """Write an access unit without buffering.

        Raises OSError, after which the file ends with the access unit before. Raises SinkError if the file's name
        stands for another codec.
        """
        why_not = misfit(str(self._path or ""), picture.frame.codec)
        if why_not is not None:
            raise SinkError(0, why_not)
        content = self._content(picture)
        self._shape = _samples(picture)
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except (OSError, KeyboardInterrupt):
            with contextlib.suppress(OSError):  # not a file, but a pipe or a device
                self._file.truncate(self._file.tell() - (len(content) - len(rest)))
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _samples(picture: Picture) -> tuple[object, ...]:
    told = picture.format
    return (*shape(picture), told and told.chroma, told and told.depth)


def shape(picture: Picture) -> tuple[int, int, int]:
    """Return codec, width and height, as the stream itself says, else as the ring's metadata says."""
    told = picture.format or picture.frame
    return picture.frame.codec, told.width, told.height
