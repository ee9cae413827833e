# SPDX-License-Identifier: Apache-2.0
"""A source that does what a test tells it, and the clock that measures it."""

import itertools
from typing import Any

import pytest
from own_clock import Clock

from hil.streamer.sources.source import Captured
from vshm_ctypes import Codec


class Scripted:
    """Returns or raises what it was given, a Captured, None or an exception, for each read and each open."""

    name, fps, live = "scripted", 25.0, True
    codec: Codec | None = None

    def __init__(self, reads: list[Any], opens: list[Any] | None = None) -> None:
        self.reads, self.opens = iter(reads), iter(opens or itertools.repeat(None))
        self.width, self.height = 64, 48
        self.opened = self.closed = self.keyframes_wanted = 0

    def open(self) -> None:
        self.opened += 1
        answer = next(self.opens, None)
        if answer is not None:
            raise answer

    def read(self, timeout_s: float) -> Captured | None:
        answer = next(self.reads)
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]

    def want_keyframe(self) -> None:
        self.keyframes_wanted += 1

    def figures(self) -> dict[str, int]:
        return {"lost": 3}

    def close(self) -> None:
        self.closed += 1


def good() -> Captured:
    return Captured(1)


def clock_of_healing(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return a clock by which a HealingSource waits."""
    clock = Clock()
    monkeypatch.setattr("hil.streamer.sources.healing.time.sleep", clock.sleep)
    return clock
