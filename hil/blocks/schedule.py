# SPDX-License-Identifier: Apache-2.0
"""Schedules: which frames are written, and when. Also the standard stream."""

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
    """A frame. at_us: from the start. size: bytes."""

    at_us: int
    size: int
    keyframe: bool


@dataclass(frozen=True)
class Schedule:
    """Frames in order of time. name: for reports."""

    name: str
    frames: tuple[Due, ...]

    @cached_property
    def text(self) -> str:
        """The schedule in the form that the worker reads."""
        return "".join(f"{frame.at_us} {frame.size} {frame.keyframe:d}\n" for frame in self.frames)

    @property
    def seconds(self) -> float:
        """The time from the first frame to the last."""
        return (self.frames[-1].at_us - self.frames[0].at_us) / 1e6

    @cached_property
    def _period_us(self) -> int:
        return round(self.seconds * 1e6 * len(self.frames) / max(1, len(self.frames) - 1))

    def at_us(self, number: int) -> int:
        """Return when a frame is due. After the last frame the schedule starts again."""
        rounds, at = divmod(number, len(self.frames))
        return self.frames[at].at_us + rounds * self._period_us

    def part(self, first: int, count: int) -> Schedule:
        """Return count frames from first on."""
        begin_us = self.at_us(first)
        numbers = range(first, first + count)
        frames = (self.frames[at % len(self.frames)]._replace(at_us=self.at_us(at) - begin_us) for at in numbers)
        return Schedule(self.name, tuple(frames))


def standard(frames: int, rate: float) -> Schedule:
    """Return an H.264 stream like a camera's, about 10 Mbit/s at 30 frames/s, at that rate; always the same."""
    chance = random.Random(SEED)
    made = []
    for number in range(frames):
        keyframe = number % GOP == 0
        size = round(chance.gauss(110_000, 10_000) if keyframe else chance.gauss(40_000, 12_000))
        made.append(Due(round(number * 1e6 / rate), min(max(size, 2_000), MAX_FRAME_SIZE), keyframe))
    return Schedule(f"standard stream, {rate:g} frames/s", tuple(made))
