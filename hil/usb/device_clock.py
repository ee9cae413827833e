# SPDX-License-Identifier: Apache-2.0
"""The camera's own clock, in payload headers: right, or wrong in the ways that cameras have."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from .faults import Faults
from .payloads import Stamps
from .video_descriptors import CLOCK_HZ

FRAMES_PER_S = 1000  # of the bus
_JUMP_S, _JUMP_EVERY = 5, 20  # pts=jump: this far ahead, at each so many pictures
_FROZEN_FRAME = 77


class DeviceClock:
    """A clock that shows CLOCK_MONOTONIC unless a fault is set. now: returns seconds."""

    def __init__(self, faults: Faults, now: Callable[[], float] = time.monotonic) -> None:
        self._faults, self._now = faults, now
        self._random = random.Random(1)

    def stamps(self, due_s: float, number: int) -> Iterator[Stamps]:
        """Yield the times for each payload of a picture without end. due_s: when it was taken. number: its own."""
        pts = self._pts(round(due_s * CLOCK_HZ), number)
        while True:
            yield Stamps(pts, self._scr())

    def _pts(self, right: int, number: int) -> int | None:
        wrong = {
            "none": None,
            "zero": 0,
            "jump": right + _JUMP_S * CLOCK_HZ * (number % _JUMP_EVERY == _JUMP_EVERY // 2),
            "back": -right,
            "fast": 2 * right,
            "random": self._random.getrandbits(32),
        }
        return wrong.get(self._faults.word("pts"), right)

    def _scr(self) -> tuple[int, int] | None:
        now_s = self._now()
        clock, frame = round(now_s * CLOCK_HZ), round(now_s * FRAMES_PER_S)
        wrong = {
            "none": None,
            "zero": (0, 0),
            "frozen": (clock, _FROZEN_FRAME),
            "random": (self._random.getrandbits(32), self._random.getrandbits(11)),
        }
        return wrong.get(self._faults.word("scr"), (clock, frame))
