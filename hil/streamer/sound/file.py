# SPDX-License-Identifier: Apache-2.0
"""The sound of a file, paced by its own timestamps: file:clip.mp4."""

from __future__ import annotations

import av

from ..sources.clip import Clip, sleep_until
from ..sources.source import Captured
from .source import SoundSource


class SoundFile(SoundSource):
    """Decodes a file as fast as its timestamps say, never faster."""

    def __init__(self, path: str, loop: bool) -> None:
        self.name = f"file:{path}"
        self._clip = Clip[av.AudioFrame](path, "audio", loop)
        self._pending: av.AudioFrame | None = None
        self._damaged = False

    def open(self) -> None:
        """Open the file at its begin. Raises SourceError."""
        self._clip.open()
        self._pending, self._damaged = None, False

    def read(self, timeout_s: float) -> Captured | None:
        """What comes next, once it is over. Raises SourceError, EOFError at the end."""
        self._pending = self._pending or self._clip.next()
        if self._pending is None:
            self._damaged = True
            return None
        frame = self._pending
        begin_s = self._clip.begun_s + (frame.time or 0.0)
        if not sleep_until(begin_s + frame.samples / frame.sample_rate, timeout_s):
            return None
        captured = Captured(round(begin_s * 1e9), sound=frame, discontinuity=self._clip.looped or self._damaged)
        self._pending, self._clip.looped, self._damaged = None, False, False
        return captured

    def close(self) -> None:
        """Close the file."""
        self._clip.close()
