# SPDX-License-Identifier: Apache-2.0
"""Plays the sound of a file at its own pace: file:clip.mp4. It stays in step with pictures of the same file."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import av

from ..sources.clip import Clip
from ..sources.source import Captured
from ..sources.timeline import Pace, Timeline
from .source import SoundSource

FRAME_S = 0.02  # about the length of a frame of sound in most codecs


class _Heard(NamedTuple):
    """Decoded sound. begins: it is the first of a round through the file. broken: what was before it is damaged."""

    sound: Any
    begins: bool
    broken: bool


class SoundFile(SoundSource):
    """Plays a file as fast as its times say, never faster.

    timeline: the one shared with the file's pictures, if any.
    """

    live = False

    def __init__(self, path: str, loop: bool, timeline: Timeline | None = None) -> None:
        self.name = f"file:{path}"
        self._clip = Clip(path, "audio")
        self._loop = loop
        self._timeline = timeline or Timeline()
        self._pace: Pace | None = None
        self._ready: deque[_Heard] = deque()

    def open(self) -> None:
        """Open the file at its start. Raises SourceError."""
        self.close()
        self._clip.open()
        self._begins = self._broken = self._any = self._over = False
        if self._pace is None:
            self._pace = Pace(self._timeline, FRAME_S)
        else:
            self._pace.resume()

    def _step(self) -> None:
        packet = self._clip.packet()
        if packet is None:
            self._over = not self._loop or not self._any
            if not self._over:
                self._clip.open()
                self._begins, self._any = True, False
            return
        try:
            found = packet.decode()
        except av.FFmpegError:  # a packet is damaged: decoding continues after it
            self._broken = True
            return
        for sound in found:
            self._ready.append(_Heard(sound, self._begins, self._broken))
            self._begins, self._broken, self._any = False, False, True

    def read(self, timeout_s: float) -> Captured | None:
        """Return the next sound once its time is over, or None. Raises SourceError, or EOFError at the end."""
        until_s = self._timeline.clock() + timeout_s
        while not self._ready and not self._over:
            self._step()
            if self._timeline.clock() > until_s:
                break
        if not self._ready:
            if self._over:
                self.close()  # pictures on the same timeline must no longer wait for the sound
                raise EOFError(f"{self._clip.path} has ended")
            return None
        assert self._pace is not None
        return self._hand_out(self._ready[0], self._pace, until_s)

    def _hand_out(self, heard: _Heard, pace: Pace, until_s: float) -> Captured | None:
        if heard.begins:
            pace.next_round(self._clip.length_s if self._timeline.is_shared else 0.0)
            heard = self._ready[0] = heard._replace(begins=False, broken=True)
        begin_s = pace.place(heard.sound.time, self._clip.start_s if self._timeline.is_shared else None)
        length_s = heard.sound.samples / heard.sound.sample_rate
        if not pace.wait(begin_s + length_s, until_s - self._timeline.clock()):
            return None
        self._ready.popleft()
        jumped = pace.took(begin_s, length_s)
        return Captured(pace.capture_ns(begin_s), sound=heard.sound, discontinuity=heard.broken or jumped)

    def close(self) -> None:
        """Close the file."""
        self._clip.close()
        self._ready.clear()
        if self._pace is not None:
            self._pace.close()
