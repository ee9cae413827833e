# SPDX-License-Identifier: Apache-2.0
"""A file's pictures or its sound, one by one, from the begin again where it loops; and the wait for their turn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Generic, Literal, TypeVar

import av

from .source import SourceError

Frame = TypeVar("Frame", av.VideoFrame, av.AudioFrame)


class Clip(Generic[Frame]):
    """begun_s: when it was opened, on the monotonic clock. looped: whether next() went back to the begin; the user
    clears it."""

    def __init__(self, path: str, kind: Literal["video", "audio"], loop: bool) -> None:
        self._path, self._kind, self._loop = path, kind, loop
        self._container: Any = None
        self._frames: Iterator[Frame | None] = iter(())
        self.begun_s = 0.0
        self.looped = False

    def open(self) -> Any:
        """Open the file at its begin; its stream. Raises SourceError."""
        self.close()
        try:
            self._container = av.open(self._path)
        except (OSError, ValueError) as error:
            raise SourceError(0, f"{self._path}: {getattr(error, 'strerror', None) or error}", "absent") from None
        streams = getattr(self._container.streams, self._kind)
        if not streams:
            self.close()
            raise SourceError(0, f"{self._path}: no {self._kind} in it", "unsuitable")
        streams[0].thread_type = "AUTO"
        self._frames = self._decode(streams[0])
        self._any = False
        self.begun_s = time.monotonic()
        return streams[0]

    def _decode(self, stream: Any) -> Iterator[Frame | None]:
        """None for what is damaged: the file goes on behind it."""
        for packet in self._container.demux(stream):
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                yield None

    def next(self) -> Frame | None:
        """None: damaged. Raises EOFError at the end, SourceError."""
        try:
            frame = next(self._frames)
        except StopIteration:
            if not self._loop or not self._any:
                raise EOFError(f"{self._path} has ended") from None
            self.open()
            self.looped = True
            return self.next()
        except av.FFmpegError as error:
            raise SourceError(0, f"{self._path}: {error.strerror}") from None
        self._any = self._any or frame is not None
        return frame

    def close(self) -> None:
        """Close the file. Twice is fine."""
        if self._container is not None:
            self._container.close()
            self._container = None


def sleep_until(due_s: float, timeout_s: float) -> bool:
    """Until then, but no longer than timeout_s; whether it is time."""
    wait_s = due_s - time.monotonic()
    time.sleep(max(min(wait_s, timeout_s), 0))
    return wait_s <= timeout_s
