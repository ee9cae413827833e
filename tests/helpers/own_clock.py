# SPDX-License-Identifier: Apache-2.0
"""Clocks that tests control."""

import time
from collections.abc import Callable


class Clock:
    """A clock with an arbitrary start that sleeping advances."""

    def __init__(self) -> None:
        self.now_s = 5000.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class Ahead:
    """Replaces the module time: once a condition holds, however long that takes, its clock jumps ahead by seconds.

    The first reading after that is still without the jump, since something may be measured from it. then is called
    after some more readings.
    """

    LOOKS = 6

    def __init__(
        self, seconds: float, condition: Callable[[], bool], then: Callable[[], object] = lambda: None
    ) -> None:
        self._seconds, self._condition, self._then = seconds, condition, then
        self._looks = 0

    def monotonic(self) -> float:
        if self._looks or self._condition():
            self._looks += 1
        if self._looks == self.LOOKS:
            self._then()
        return time.monotonic() + (self._seconds if self._looks > 1 else 0)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
