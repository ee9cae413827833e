# SPDX-License-Identifier: Apache-2.0
"""Follows a driver's sequence numbers."""

from __future__ import annotations

from dataclasses import dataclass

_FAR = 1 << 16  # pictures: a greater step is a jump of the numbering, not a loss
_ROUND = 1 << 32


@dataclass(slots=True)
class Numbering:
    """Counts what the sequence numbers show.

    lost: missing pictures. jumps: numbers that went backwards or too far ahead. wraps: harmless overflows of the 32
    bits.
    """

    lost: int = 0
    jumps: int = 0
    wraps: int = 0
    _last: int | None = None

    def begin(self) -> None:
        """Start a new stream: the next number does not continue the last one."""
        self._last = None

    def take(self, number: int) -> int:
        """Return how many pictures are missing before this number."""
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
