# SPDX-License-Identifier: Apache-2.0
"""Follows a driver's sequence numbers."""

from __future__ import annotations

from dataclasses import dataclass

_FAR = 1 << 16  # pictures: a greater step is a jump of the numbering, not a loss
_ROUND = 1 << 32


@dataclass(slots=True)
class Numbering:
    """Counts what the sequence numbers show.

    lost: missing pictures. jumps: numbers that went backwards or too far ahead. repeats: numbers that did not change;
    a driver that does not number its pictures repeats one for all. wraps: harmless overflows of the 32 bits.
    """

    lost: int = 0
    jumps: int = 0
    repeats: int = 0
    wraps: int = 0
    _last: int | None = None
    _before: int | None = None  # the number in front of a jump, as long as the numbering may still go back to it

    def begin(self) -> None:
        """Start a new stream: the next number does not continue the last one."""
        self._last = self._before = None

    def take(self, number: int) -> int:
        """Return how many pictures are missing before this number, or -1 if a jump leaves that open."""
        last, before = self._last, self._before
        self._last, self._before = number, None
        if last is None:
            return 0
        if number == last:
            self.repeats += 1
            return 0
        step = (number - last) % _ROUND
        back = (number - before) % _ROUND if before is not None else 0
        if before is not None and step != 1 and 1 <= back < _FAR:  # the jump was a single wrong number
            last, step = before, max(back - 1, 1)
        if step >= _FAR:
            self.jumps += 1
            self._before = last
            return -1
        self.wraps += number < last
        self.lost += step - 1
        return step - 1
