# SPDX-License-Identifier: Apache-2.0
"""Writes the publication time and size of each recorded frame as JSON lines, so that the stream can be replayed."""

from __future__ import annotations

import json
from pathlib import Path

from ...commandline.locked_file import open_alone
from ...frame import Frame
from .sink import SinkError


class TimingSink:
    """Writes number, publish_ns (CLOCK_MONOTONIC), size and keyframe of each frame, unbuffered. Raises OSError."""

    def __init__(self, path: Path, force: bool) -> None:
        self._path = path
        self._file = open_alone(path, force)

    def write(self, frame: Frame) -> None:
        """Write the line of a frame. Raises SinkError, after which the file ends with the line before."""
        if not frame.publish_ns:
            advice = "record it without --timing"
            raise SinkError(0, f"a version 1 writer does not say when it published: {advice}", str(self._path))
        told = {
            "number": frame.number,
            "publish_ns": frame.publish_ns,
            "size": frame.size,
            "keyframe": frame.is_keyframe,
        }
        rest = line = json.dumps(told).encode() + b"\n"
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            if len(rest) < len(line):
                self._file.truncate(self._file.tell() - (len(line) - len(rest)))
            raise SinkError(error.errno, error.strerror, str(self._path)) from None

    def keep(self, lines: int) -> None:
        """Keep only the first lines, because the other frames are not in the recording. Raises OSError."""
        if self._path.is_file():
            with self._path.open("r+b") as file:
                for _ in range(lines):
                    file.readline()
                file.truncate(file.tell())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
