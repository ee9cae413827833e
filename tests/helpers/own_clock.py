# SPDX-License-Identifier: Apache-2.0
"""A clock of the test's own."""

import time
from collections.abc import Callable


class Clock:
    """Starts somewhere; sleeping moves it on."""

    def __init__(self) -> None:
        self.now_s = 5000.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class Ahead:
    """In the place of the module time: once a condition holds, however long that takes, its clock is seconds ahead.

    The first look at it after that is still as before: it may be the one that something is measured from. then: called
    when it was looked at some times more.
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
