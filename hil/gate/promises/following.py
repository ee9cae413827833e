# SPDX-License-Identifier: Apache-2.0
"""What a reader is told while it follows a ring from object to object."""

from __future__ import annotations

from .scene import PATIENCE_MS, until
from .sides import Reader


def told(reader: Reader, timeout_ms: int = PATIENCE_MS) -> str:
    """The answer of one wait."""
    return str(reader.wait(timeout_ms).answer)


def look(reader: Reader) -> tuple[object, ...]:
    """The word frame, its number, flags and attachment; or the answer of acquire where there is none."""
    answer, view = reader.acquire(100)
    if answer.result <= 0:
        return (str(answer),)
    seen = view.value.frame, view.value.flags, view.value.attachment
    reader.release(view)
    return ("frame", *seen)


def frames_of(reader: Reader, count: int) -> list[tuple[object, ...]]:
    """The next so many, as look has them, whatever is told between."""
    found: list[tuple[object, ...]] = []

    def is_enough() -> bool:
        seen = look(reader)
        if seen[0] == "frame":
            found.append(seen)
        return len(found) == count

    until(is_enough)
    return found


def follow(reader: Reader, numbers: list[int]) -> int:
    """Add the next frame's number, if there is one. Returns the last; -1: there was none."""
    number = reader.wait(50).number
    if number is not None:
        numbers.append(number)
    return numbers[-1] if numbers else -1
