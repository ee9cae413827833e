# SPDX-License-Identifier: Apache-2.0
"""A clip, paced by its own timestamps: file:clip.mp4, looped on request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av

from vshm_ctypes import Codec

from .source import Captured, SourceError


class FileSource:
    """Decodes a file as fast as its timestamps say, never faster."""

    codec: Codec | None = None

    def __init__(self, path: str, loop: bool) -> None:
        self.name = f"file:{path}"
        self._path = Path(path)
        self._loop = loop
        self._container: Any = None
        self._pictures: Iterator[av.VideoFrame] = iter(())
        self._begin_s = 0.0
        self._pending: av.VideoFrame | None = None
        self._looped = False
        self._read_any = False
        self.width = self.height = 0
        self.fps = 0.0

    def open(self) -> None:
        """Open the file at its begin. Raises SourceError."""
        try:
            self._container = av.open(str(self._path))
        except (OSError, ValueError) as error:
            raise SourceError(0, f"{self._path}: {getattr(error, 'strerror', None) or error}") from None
        if not self._container.streams.video:
            self.close()
            raise SourceError(0, f"{self._path}: no video in it")
        stream = self._container.streams.video[0]
        stream.thread_type = "AUTO"
        self.width, self.height = stream.codec_context.width, stream.codec_context.height
        self.fps = float(stream.average_rate or 30)
        self._pictures = self._container.decode(stream)
        self._begin_s, self._pending, self._read_any = time.monotonic(), None, False

    def _next(self) -> av.VideoFrame:
        try:
            picture = next(self._pictures)
        except StopIteration:
            if not self._loop or not self._read_any:
                raise EOFError(f"{self._path} has ended") from None
            self.close()
            self.open()
            self._looped = True
            return self._next()
        except av.FFmpegError as error:
            raise SourceError(0, f"{self._path}: {error.strerror}") from None
        self._read_any = True
        return picture

    def read(self, timeout_s: float) -> Captured | None:
        """The next picture, when it is its turn. Raises EOFError at the end."""
        if self._pending is None:
            self._pending = self._next()
        wait_s = self._begin_s + float(self._pending.time or 0.0) - time.monotonic()
        if wait_s > timeout_s:
            time.sleep(timeout_s)
            return None
        time.sleep(max(wait_s, 0))
        picture, self._pending = self._pending, None
        captured = Captured(time.monotonic_ns(), picture=picture, discontinuity=self._looped)
        self._looped = False
        return captured

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()
            self._container = None
