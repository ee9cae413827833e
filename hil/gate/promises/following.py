# SPDX-License-Identifier: Apache-2.0
"""Reads what a reader reports while it follows a ring from object to object."""

from __future__ import annotations

from .scene import PATIENCE_MS, until
from .sides import Reader


def told(reader: Reader, timeout_ms: int = PATIENCE_MS) -> str:
    """Return the answer of one wait."""
    return str(reader.wait(timeout_ms).answer)


def look(reader: Reader) -> tuple[object, ...]:
    """Return the word frame, its number, flags and attachment, or the answer of acquire if there is none."""
    answer, view = reader.acquire(100)
    if answer.result <= 0:
        return (str(answer),)
    seen = view.value.frame, view.value.flags, view.value.attachment
    reader.release(view)
    return ("frame", *seen)


def frames_of(reader: Reader, count: int) -> list[tuple[object, ...]]:
    """Return the next count frames in the form of look(), whatever else is reported between them."""
    found: list[tuple[object, ...]] = []

    def is_enough() -> bool:
        seen = look(reader)
        if seen[0] == "frame":
            found.append(seen)
        return len(found) == count

    until(is_enough)
    return found


def follow(reader: Reader, numbers: list[int]) -> int:
    """Append the next frame's number if there is a frame. Returns the last number, or -1 if there was none."""
    number = reader.wait(50).number
    if number is not None:
        numbers.append(number)
    return numbers[-1] if numbers else -1
