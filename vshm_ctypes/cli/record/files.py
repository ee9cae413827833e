# SPDX-License-Identifier: Apache-2.0
"""The files of a recording, one after the other."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ...commandline.output import complain
from ...frame import Frame, codec_name
from .. import units
from ..decodable import Picture
from .container_sink import ContainerSink
from .elementary_sink import ElementarySink, shape
from .file_kinds import kind_of, raw_ending
from .sink import Sink, SinkError

_Kind = TypeVar("_Kind")


def opened(kind: Callable[[Path, bool], _Kind], path: str, force: bool) -> _Kind:
    """A sink of that kind. Raises SinkError, OSError."""
    place = Path(path)
    if place.is_dir():
        raise SinkError(errno.EISDIR, "it is a folder: name a file in it", path)
    is_stream = place.exists() and not place.is_file()  # a pipe or a device: nothing in it is overwritten
    try:
        return kind(place, force or is_stream)
    except FileExistsError:
        raise SinkError(errno.EEXIST, "it exists: choose another name, or overwrite it with --force", path) from None


class Files:
    """A recording's files: clip.mp4, and where the stream's codec or picture changes, clip-2.mp4 and so on.

    path: of the first; "-" is stdout, which has no second. A number whose file exists is passed over, unless force is
    set: a recording under way is neither lost nor written over another one. sound: a frame of the sound that goes with
    the pictures, in containers. frames, bytes: of pictures, in all of them. Raises SinkError, OSError.
    """

    def __init__(self, path: str, force: bool, sound: Frame | None = None) -> None:
        self._path, self._force, self._sound = path, force, sound
        self.names = [path]
        self._sets_change = False
        self._sink = self._open(path)
        self._number = 1
        self._last: Picture | None = None
        self.frames = self.bytes = 0
        self._before = (0, 0, 0)  # frames, bytes, and frames of sound in the files before the last one

    def _open(self, path: str) -> Sink:
        if path == "-":
            return ElementarySink(None, self._force)
        if not kind_of(path).muxer:
            return opened(ElementarySink, path, self._force)
        return opened(lambda path, force: ContainerSink(path, force, self._sound, self._sets_change), path, self._force)

    def fits(self, picture: Picture) -> bool:
        """Whether it goes into the file that is open, or begins the next one."""
        return self._sink.fits(picture)

    def write(self, picture: Picture) -> None:
        """One more. Raises SinkError, OSError."""
        if not self.fits(picture):
            self._begin_next(picture)
        self._sink.write(picture)
        self._last = picture
        self.frames += 1
        self.bytes += len(picture.data)

    def _begin_next(self, picture: Picture) -> None:
        assert self._last is not None
        before, now = _told(self._last), _told(picture)
        changed = f"at frame {picture.frame.number} the stream changed" + (f" from {before} to {now}" * (before != now))
        # An encoder that sends other ones once does so with each keyframe: one file with them, not a file for each.
        self._sets_change = self._sets_change or self._last.format == picture.format
        if self._path == "-":
            raise SinkError(0, f"{changed}, and stdout has no place for a second file: record to a file", "stdout")
        self._sink.close()
        so_far = (self.frames, self.bytes, self.sound_frames)
        first = Path(self._path)
        suffix = first.suffix
        if not kind_of(self._path).takes(picture.frame.codec):
            suffix = raw_ending(picture.frame.codec) or suffix
        while True:
            self._number += 1
            path = str(first.with_name(f"{first.stem}-{self._number}{suffix}"))
            try:
                self._sink = self._open(path)
                break
            except SinkError as error:
                if error.errno != errno.EEXIST:
                    raise
        self._before = so_far
        self.names.append(path)
        complain(f"{changed}: it goes on in {path}")

    def write_sound(self, frame: Frame) -> None:
        """One more frame of sound. Raises SinkError, OSError."""
        self._sound = frame
        if isinstance(self._sink, ContainerSink):
            self._sink.write_sound(frame)

    @property
    def sound_frames(self) -> int:
        """So many frames of sound are in the files."""
        return self._before[2] + (self._sink.sound_frames if isinstance(self._sink, ContainerSink) else 0)

    def close(self) -> None:
        """Nothing more comes. Raises OSError."""
        self._sink.close()

    def recount(self) -> None:
        """Where the last file could not be written to its end: what of it is there. Only then, for it is all read."""
        if isinstance(self._sink, ContainerSink) and Path(self.names[-1]).is_file():
            frames, size, self._sink.sound_frames = self._sink.kept()
            self.frames, self.bytes = self._before[0] + frames, self._before[1] + size


def _told(picture: Picture) -> str:
    codec, width, height = shape(picture)
    sound = picture.frame.audio
    return f"{codec_name(codec)} {units.stream(width, height, sound)}"
