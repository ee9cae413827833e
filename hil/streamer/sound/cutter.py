# SPDX-License-Identifier: Apache-2.0
"""Sound as a source delivers it, made into frames of equal length, each with its time."""

from __future__ import annotations

from collections.abc import Iterator

import av

from ..sources.source import Captured
from .options import Sound

JUMP_NS = 40_000_000  # a time that is so far off does not continue what came before


class Cutter:
    """Any rate, format and channels in; frames of the sound's own out."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self._pending = bytearray()
        self._end_ns: int | None = None  # when the last pending sample ends
        self._broken = False
        self._begin()

    def _begin(self) -> None:
        layout = "mono" if self._sound.channels == 1 else "stereo"
        self._resampler = av.AudioResampler(format="s16", layout=layout, rate=self._sound.rate)
        self._pending.clear()

    def _length_ns(self, size: int) -> int:
        return size // (2 * self._sound.channels) * 1_000_000_000 // self._sound.rate

    def cut(self, captured: Captured) -> Iterator[tuple[bytes, Captured]]:
        """The frames that are whole now, and what is known of each."""
        if captured.sound is None:
            return
        jumps = self._end_ns is not None and abs(captured.capture_ns - self._end_ns) > JUMP_NS
        if jumps or captured.discontinuity:
            self._begin()
            self._broken = True
        before, heard_ns = len(self._pending), captured.sound.samples * 1_000_000_000 // captured.sound.sample_rate
        captured.sound.pts = None  # the time is ours to keep
        for frame in self._resampler.resample(captured.sound):
            self._pending += bytes(frame.planes[0])[: frame.samples * 2 * self._sound.channels]
        self._end_ns = captured.capture_ns + heard_ns
        begin_ns, size = captured.capture_ns - self._length_ns(before), self._sound.frame_bytes
        whole = len(self._pending) // size
        for at in range(whole):
            begin = begin_ns + self._length_ns(at * size)
            data = bytes(self._pending[at * size : (at + 1) * size])
            yield data, Captured(begin, from_driver=captured.from_driver, discontinuity=self._broken)
            self._broken = False
        del self._pending[: whole * size]
