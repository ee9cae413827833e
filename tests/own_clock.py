# SPDX-License-Identifier: Apache-2.0
"""A clock of the test's own."""


class Clock:
    """Starts somewhere; sleeping moves it on."""

    def __init__(self) -> None:
        self.now_s = 5000.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
