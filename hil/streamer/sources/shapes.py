# SPDX-License-Identifier: Apache-2.0
"""Learns into which buffers a camera divides its pictures, so that the last one is known without the next picture."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

# Where the first slice of each buffer of a picture begins: its first macroblock or coding tree block, or None if that
# can't be told.
Shape = tuple[int | None, ...]
WHOLE: Shape = (0,)  # the picture comes in one buffer

SETTLES_AFTER = 3  # pictures, with the one that is judged
MOST_CAUTION = 300  # pictures


@dataclass(slots=True)
class _Habit:
    """Of pictures of one kind: the last shape, how many in a row had it, and how many it takes to rely on it."""

    shape: Shape | None = None
    alike: int = 0
    needed: int = SETTLES_AFTER - 1


class Shapes:
    """Remembers the shapes of keyframes and of other pictures, since keyframes alone may be too large for one buffer.

    A camera that divides pictures by size gives each another shape, and is never relied on.
    """

    def __init__(self) -> None:
        self._habits: defaultdict[bool, _Habit] = defaultdict(_Habit)
        self._last: Shape | None = None
        self._in_one = 0  # pictures in a row that came in one buffer each

    def ended(self, is_key: bool, shape: Shape) -> None:
        """Note the shape of a picture that was ended by the next one."""
        habit = self._habits[is_key]
        habit.alike = habit.alike + 1 if shape == habit.shape else 1
        habit.shape = self._last = shape
        self._in_one = self._in_one + 1 if shape == WHOLE else 0

    def is_complete(self, is_key: bool, shape: Shape) -> bool:
        """Return whether a picture of which these buffers have come has no further one, by all that was learned."""
        habit = self._habits[is_key]
        in_a_row = habit.alike if shape == habit.shape and None not in shape else 0
        if shape == WHOLE and habit.shape in (None, WHOLE) and not is_key:  # of keyframes, others tell nothing
            in_a_row = max(in_a_row, self._in_one)
        return in_a_row >= habit.needed

    def goes_on(self, is_key: bool) -> None:
        """Note that a picture has a further buffer, whatever becomes of it."""
        habit = self._habits[is_key]
        habit.shape = () if habit.shape is None else habit.shape  # not in one buffer, that is
        self._in_one = 0

    def went_on(self, is_key: bool) -> None:
        """Note that is_complete() was wrong: the sooner that was, the longer it takes to rely on a shape again."""
        habit = self._habits[is_key]
        soon = max(habit.alike, self._in_one) < MOST_CAUTION
        habit.needed = min(habit.needed * 2, MOST_CAUTION) if soon else SETTLES_AFTER - 1
        habit.alike = self._in_one = 0

    def is_likely_complete(self, is_key: bool, shape: Shape) -> bool:
        """Return whether a picture in one buffer, after which something was lost, may count as complete."""
        usual = self._habits[is_key].shape
        return shape == WHOLE == (self._last if usual is None and not is_key else usual)
