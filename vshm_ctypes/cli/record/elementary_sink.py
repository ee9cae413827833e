# SPDX-License-Identifier: Apache-2.0
"""Where a recording goes that is in no container: the elementary stream."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from ...commandline.own_file import open_alone
from ..decodable import Picture
from .file_kinds import misfit
from .sink import SinkError


class ElementarySink:
    """The access units one after the other, as a decoder takes them. path: None is stdout."""

    def __init__(self, path: Path | None, force: bool) -> None:
        self._path = path
        if path is None:
            self._file: Any = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
        else:
            self._file = open_alone(path, force)
        self._shape: tuple[object, ...] | None = None

    def fits(self, picture: Picture) -> bool:
        """Whether its samples are as those before: of that codec, size, sampling of colour, and bits each."""
        return self._shape is None or self._shape == _samples(picture)

    def write(self, picture: Picture) -> None:
        """One more access unit, straight to the file. Raises OSError; then the file ends with the one before.

        Raises SinkError: the file's name says that it is another codec's.
        """
        why_not = misfit(str(self._path or ""), picture.frame.codec)
        if why_not is not None:
            raise SinkError(0, why_not)
        self._shape = _samples(picture)
        rest = memoryview(picture.data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except (OSError, KeyboardInterrupt):
            with contextlib.suppress(OSError):  # no file, such as a pipe or a device
                self._file.truncate(self._file.tell() - (len(picture.data) - len(rest)))
            raise

    def close(self) -> None:
        """Nothing more comes."""
        self._file.close()


def _samples(picture: Picture) -> tuple[object, ...]:
    told = picture.format
    return (*shape(picture), told and told.chroma, told and told.depth)


def shape(picture: Picture) -> tuple[int, int, int]:
    """Codec, width and height: of the stream's own word, else of the ring's metadata."""
    told = picture.format or picture.frame
    return picture.frame.codec, told.width, told.height
