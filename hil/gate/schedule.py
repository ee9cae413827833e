# SPDX-License-Identifier: Apache-2.0
"""What is written, and when; the standard stream."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

MAX_FRAME_SIZE = 512 * 1024
MIN_FRAME_SIZE = 16
GOP = 30
SEED = 20


class Due(NamedTuple):
    """A frame. at_us: from the begin. size: bytes."""

    at_us: int
    size: int
    keyframe: bool


@dataclass(frozen=True)
class Schedule:
    """Frames in order of time. name: what it is, for reports."""

    name: str
    frames: tuple[Due, ...]

    @cached_property
    def text(self) -> str:
        """As the worker reads it."""
        return "".join(f"{frame.at_us} {frame.size} {frame.keyframe:d}\n" for frame in self.frames)

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return (self.frames[-1].at_us - self.frames[0].at_us) / 1e6

    @cached_property
    def _period_us(self) -> int:
        return round(self.seconds * 1e6 * len(self.frames) / max(1, len(self.frames) - 1))

    def at_us(self, number: int) -> int:
        """When that frame is due; round again where they end."""
        rounds, at = divmod(number, len(self.frames))
        return self.frames[at].at_us + rounds * self._period_us

    def part(self, first: int, count: int) -> Schedule:
        """So many frames from that one on."""
        begin_us = self.at_us(first)
        numbers = range(first, first + count)
        frames = (self.frames[at % len(self.frames)]._replace(at_us=self.at_us(at) - begin_us) for at in numbers)
        return Schedule(self.name, tuple(frames))


def standard(frames: int, rate: float) -> Schedule:
    """An H.264 stream as a camera gives it, some 10 Mbit/s at 30 frames/s, at that rate; the same every time."""
    chance = random.Random(SEED)
    made = []
    for number in range(frames):
        keyframe = number % GOP == 0
        size = round(chance.gauss(110_000, 10_000) if keyframe else chance.gauss(40_000, 12_000))
        made.append(Due(round(number * 1e6 / rate), min(max(size, 2_000), MAX_FRAME_SIZE), keyframe))
    return Schedule(f"standard stream, {rate:g} frames/s", tuple(made))
