# SPDX-License-Identifier: Apache-2.0
"""A clip, paced by its own timestamps: file:clip.mp4, looped on request."""

from __future__ import annotations

import time

import av

from vshm_ctypes import Codec

from .clip import Clip, sleep_until
from .source import Captured


class FileSource:
    """Decodes a file as fast as its timestamps say, never faster."""

    codec: Codec | None = None

    def __init__(self, path: str, loop: bool) -> None:
        self.name = f"file:{path}"
        self._clip = Clip[av.VideoFrame](path, "video", loop)
        self._pending: av.VideoFrame | None = None
        self.width = self.height = 0
        self.fps = 0.0

    def open(self) -> None:
        """Open the file at its begin. Raises SourceError."""
        stream = self._clip.open()
        self.width, self.height = stream.codec_context.width, stream.codec_context.height
        self.fps = float(stream.average_rate or 30)
        self._pending = None

    def read(self, timeout_s: float) -> Captured | None:
        """The next picture, when it is its turn. Raises EOFError at the end."""
        self._pending = self._pending or self._clip.next()
        if self._pending is None:
            return Captured(time.monotonic_ns(), bad=True)
        if not sleep_until(self._clip.begun_s + float(self._pending.time or 0.0), timeout_s):
            return None
        captured = Captured(time.monotonic_ns(), picture=self._pending, discontinuity=self._clip.looped)
        self._pending, self._clip.looped = None, False
        return captured

    def want_keyframe(self) -> None:
        """Its pictures are raw once they are decoded."""

    def figures(self) -> dict[str, int]:
        """None."""
        return {}

    def close(self) -> None:
        """Close the file."""
        self._clip.close()
