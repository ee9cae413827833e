# SPDX-License-Identifier: Apache-2.0
"""A driver's sequence numbers, held against each other."""

from __future__ import annotations

from dataclasses import dataclass

_FAR = 1 << 16  # pictures: a greater step is a jump of the driver's numbering, not a loss
_ROUND = 1 << 32


@dataclass(slots=True)
class Numbering:
    """lost: pictures that the numbers say are missing. jumps: backwards, or too far. wraps: past 32 bits, unharmed."""

    lost: int = 0
    jumps: int = 0
    wraps: int = 0
    _last: int | None = None

    def begin(self) -> None:
        """The stream was started: the next number follows from nothing."""
        self._last = None

    def take(self, number: int) -> int:
        """How many are missing in front of this one."""
        last, self._last = self._last, number
        if last is None:
            return 0
        step = (number - last) % _ROUND
        if not 1 <= step < _FAR:
            self.jumps += 1
            return 0
        self.wraps += number < last
        self.lost += step - 1
        return step - 1
