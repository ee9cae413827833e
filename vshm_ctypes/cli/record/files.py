# SPDX-License-Identifier: Apache-2.0
"""Writes the files of a recording, one after the other."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ...codec import codec_name
from ...commandline.output import complain
from ...decodable import Picture
from ...frame import Frame
from .. import units
from .container_sink import ContainerSink
from .elementary_sink import ElementarySink, shape
from .file_kinds import ending, kind_of, raw_ending
from .sink import MOST_GAP_NS, Sink, SinkError, time_ns
from .y4m_sink import Y4mSink

_Kind = TypeVar("_Kind")


def opened(kind: Callable[[Path, bool], _Kind], path: str, force: bool) -> _Kind:
    """Open a sink of that kind for path. Raises SinkError, OSError."""
    place = Path(path)
    if place.is_dir():
        raise SinkError(errno.EISDIR, "it is a folder: name a file in it", path)
    is_stream = place.exists() and not place.is_file()  # a pipe or a device, in which nothing is overwritten
    try:
        return kind(place, force or is_stream)
    except FileExistsError:
        raise SinkError(errno.EEXIST, "it exists: choose another name, or overwrite it with --force", path) from None


class Files:
    """The files of a recording: clip.mp4 and, when the codec or the picture format changes, clip-2.mp4 and so on.

    A number whose file exists is skipped, unless force is set, so that a recording in progress neither fails nor
    overwrites another one.

    Args:
        path: the first file; "-" is stdout, which can't be followed by a second file.
        force: whether to overwrite existing files.
        sound: a frame of the sound to be recorded with the pictures into containers, or None.

    Attributes:
        names: the files so far.
        frames: number of pictures in all files.
        bytes: bytes of these pictures.

    Raises:
        SinkError: the file can't hold the stream.
        OSError: the file can't be made.
    """

    def __init__(self, path: str, force: bool, sound: Frame | None = None) -> None:
        self._path, self._force, self._sound = path, force, sound
        self.names = [path]
        self._sets_change = False
        self._sink = self._open(path)
        self._number = 1
        self._last: Picture | None = None
        self.frames = self.bytes = 0
        self._before = (0, 0, 0)  # frames, bytes and frames of sound in all files but the last

    def _open(self, path: str) -> Sink:
        if path == "-":
            return ElementarySink(None, self._force)
        if not kind_of(path).muxer:
            return opened(Y4mSink if ending(path) == ".y4m" else ElementarySink, path, self._force)
        return opened(lambda path, force: ContainerSink(path, force, self._sound, self._sets_change), path, self._force)

    def fits(self, picture: Picture) -> bool:
        """Return whether the picture goes into the current file; otherwise it begins the next one."""
        return self._sink.fits(picture)

    def write(self, picture: Picture) -> None:
        """Write a picture. Raises SinkError, OSError."""
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
        pause_ns = time_ns(picture.frame) - time_ns(self._last.frame)
        if pause_ns > MOST_GAP_NS:
            changed = f"frame {picture.frame.number} came after a pause of {units.seconds(pause_ns / 1e9)}"
        elif self._last.format == picture.format:
            # An encoder that changes its parameter sets once does so at each keyframe: use one file that allows it.
            self._sets_change = True
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
        """Write a frame of sound. Raises SinkError, OSError."""
        self._sound = frame
        if isinstance(self._sink, ContainerSink):
            self._sink.write_sound(frame)

    @property
    def sound_frames(self) -> int:
        """How many frames of sound are in the files."""
        return self._before[2] + (self._sink.sound_frames if isinstance(self._sink, ContainerSink) else 0)

    def close(self) -> None:
        """Finish the current file. Raises OSError."""
        self._sink.close()

    def recount(self) -> None:
        """Count what is in the last file, which is read for that. Only needed if it could not be finished."""
        if isinstance(self._sink, ContainerSink) and Path(self.names[-1]).is_file():
            frames, size, self._sink.sound_frames = self._sink.kept()
            self.frames, self.bytes = self._before[0] + frames, self._before[1] + size


def _told(picture: Picture) -> str:
    codec, width, height = shape(picture)
    sound = picture.frame.audio
    return f"{codec_name(codec)} {units.stream(width, height, sound)}"
