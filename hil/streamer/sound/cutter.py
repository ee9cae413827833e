# SPDX-License-Identifier: Apache-2.0
"""Cuts the sound of a source into frames of equal length, each with its time."""

from __future__ import annotations

from collections.abc import Iterator

from ..sources.source import Captured
from .options import Sound
from .resampler import Resampler

JUMP_NS = 40_000_000  # a greater difference between two times is a discontinuity


class Cutter:
    """Takes sound of any rate, format and channels, which may change, and yields frames in the ring's format."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self._resampler: Resampler | None = None
        self._pending = bytearray()
        self._begin_ns = 0  # of the first pending sample
        self._end_ns: int | None = None  # the end of the last sample
        self._broken = False

    def _length_ns(self, size: int) -> int:
        return size // (2 * self._sound.channels) * 1_000_000_000 // self._sound.rate

    def cut(self, captured: Captured) -> Iterator[tuple[bytes, Captured]]:
        """Yield the frames that are complete, each with its time and what the source said of it."""
        sound, begin_ns = captured.sound, captured.capture_ns
        if sound is None or not sound.samples:
            return
        jumps = self._end_ns is not None and abs(begin_ns - self._end_ns) > JUMP_NS
        if jumps or captured.discontinuity:
            self._resampler, self._broken = None, True
            self._pending.clear()
        elif self._resampler is not None and not self._resampler.fits(sound):
            self._append(self._resampler.convert(None))
            self._resampler = None
        if self._resampler is None:
            self._resampler = Resampler(sound, begin_ns, self._sound.rate, self._sound.channels)
        self._append(self._resampler.convert(sound, begin_ns))
        self._end_ns = begin_ns + sound.samples * 1_000_000_000 // sound.sample_rate
        yield from self._whole(captured.from_driver)

    def _append(self, parts: Iterator[tuple[int, bytes]]) -> None:
        for begin_ns, data in parts:
            self._begin_ns = begin_ns - self._length_ns(len(self._pending))
            self._pending += data

    def _whole(self, from_driver: bool) -> Iterator[tuple[bytes, Captured]]:
        size = self._sound.frame_bytes
        whole = len(self._pending) // size
        for at in range(0, whole * size, size):
            begin_ns = self._begin_ns + self._length_ns(at)
            yield (
                bytes(self._pending[at : at + size]),
                Captured(begin_ns, from_driver=from_driver, discontinuity=self._broken),
            )
            self._broken = False
        self._begin_ns += self._length_ns(whole * size)
        del self._pending[: whole * size]
