# SPDX-License-Identifier: Apache-2.0
"""Clips: the pictures that a camera sends, each with its number in a bar code, in files made beforehand.

A file is a line of JSON, then the pictures. Encoded pictures are whole. Of raw ones there are few, without the lines of
the bar code, and one such line for each number: the camera puts them together, since whole ones would be large.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterable
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

VARIABLE = "VIDEO_SHM_CLIPS"  # names the folder, for machines that see another home than those that made the clips
_VERSION = 2  # of what is made; part of each name, so that older files are not used


def clip_folder() -> Path:
    """Return the folder of the clips."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(VARIABLE) or Path(cache) / "video-shm" / "clips")


def clip_name(kind: str, width: int, height: int) -> str:
    """Return the file's name of a clip."""
    return f"{kind}-{width}x{height}-{_VERSION}.clip"


class _Head(NamedTuple):
    """What the first line says. sizes: bytes of each picture. line: bytes of a line of code. lines, codes: how many."""

    sizes: list[int]
    line: int = 0
    lines: int = 0
    codes: int = 0


class Clip:
    """The pictures in a file; number n shows its number modulo length. Raises OSError."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            line = file.readline()
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._head = _Head(**json.loads(line))
        edges = list(accumulate(self._head.sizes, initial=len(line)))
        self._places = list(pairwise(edges))
        self._codes_at = edges[-1]
        self.length = self._head.codes or len(self._places)

    @property
    def largest(self) -> int:
        """Bytes of the largest picture."""
        return max(self._head.sizes) + self._head.line * self._head.lines

    def picture(self, number: int) -> bytes:
        """Return a picture."""
        begin, end = self._places[number % len(self._places)]
        body = self._data[begin:end]
        if not self._head.line:
            return body
        at = self._codes_at + number % self.length * self._head.line
        return self._data[at : at + self._head.line] * self._head.lines + body

    def shown(self, number: int) -> int:
        """Return the number that the picture's bar code shows."""
        return number % self.length


def write_clip(path: Path, pictures: Iterable[bytes], codes: Iterable[bytes] = (), lines: int = 0) -> None:
    """Write a clip, which appears whole.

    pictures: without the lines of the code, if there are codes. codes: a line of code for each number. lines: how often
    it is repeated. Raises OSError.
    """
    bodies, heads = list(pictures), list(codes)
    head = _Head([len(body) for body in bodies], len(heads[0]) if heads else 0, lines, len(heads))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(json.dumps(head._asdict()).encode() + b"\n" + b"".join([*bodies, *heads]))
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def missing_clips(folder: Path, clips: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Return those that have not been made yet."""
    return [clip for clip in clips if not (folder / clip_name(*clip)).exists()]


def open_clips(folder: Path, clips: Iterable[tuple[str, int, int]]) -> dict[tuple[str, int, int], Clip]:
    """Open clips, by (kind, width, height). Raises OSError if one was not made."""
    return {clip: Clip(folder / clip_name(*clip)) for clip in clips}
