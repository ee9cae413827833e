# SPDX-License-Identifier: Apache-2.0
"""Compares what a camera sent with what its driver showed of it, picture by picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from .books import Picture
from .watch import Buffer, Failure

NOTHING = "-"
_SILENCE_S = 0.6  # between two buffers, from which on it is told; the pictures come at 30 fps
_LONG_S = 1.0  # a call that takes that long has its time told


class View(NamedTuple):
    """What the driver showed, in words; each is a column of the table."""

    flags: str
    bytes: str
    sequence: str
    errno: str
    poll: str


def view(
    pictures: Sequence[Picture],
    buffers: Sequence[Buffer],
    failures: Iterable[Failure],
    events: Iterable[str],
    fault: str,
) -> View:
    """Return what was shown of one stream, above all of the pictures that suffered the fault.

    pictures: those that were sent. buffers: in the order in which they came.
    """
    shown = {buffer.sequence: buffer for buffer in buffers if not buffer.cancelled}
    hit = [one for one in pictures if fault in one.what]
    flags, sizes, numbers = set(), set(), set()
    for picture in hit:
        for part in range(picture.parts):
            buffer = shown.get(picture.sequence + part)
            if buffer is None:
                numbers.add("left out")
                continue
            flags.add("ERROR" if buffer.error else "none")
            sizes.add(_share(buffer.bytes, picture.bytes))
    if cancelled := sum(buffer.cancelled for buffer in buffers):
        flags.add("ERROR")
        sizes.add("0")
        numbers.add(f"0 and no time ({cancelled} buffers)")
    numbers |= _others(pictures, hit, shown)
    silence_s = max(((b.got_ns - a.got_ns) / 1e9 for a, b in pairwise(buffers)), default=0.0)
    waits = [f"silent for {silence_s:.1f} s"] if silence_s > _SILENCE_S else []
    return View(
        _words(flags), _words(sizes), _words(numbers), _words(map(_failure, failures)), _words([*events, *waits])
    )


def _share(got: int, sent: int) -> str:
    if got == sent:
        return "all"
    return f"{100 * got / sent:.0f} %" if sent else str(got)


def _others(pictures: Sequence[Picture], hit: Sequence[Picture], shown: dict[int, Buffer]) -> set[str]:
    """Return what became of the pictures that were not hit."""
    own = {picture.sequence + part for picture in hit for part in range(picture.parts)}
    others = {picture.sequence for picture in pictures} - own
    first, last = min(shown, default=0), max(shown, default=0)
    found = set()
    if any(first < number < last and number not in shown for number in others):
        found.add("others left out")
    if any(shown[number].error for number in others if number in shown):
        found.add("others flagged")
    if len({picture.sequence for picture in pictures}) < len(pictures):
        found.add("the next one lost without a gap")
    return found


def _failure(failure: Failure) -> str:
    return f"{failure.call}: {failure.name}" + (f" after {failure.after_s:.0f} s" if failure.after_s >= _LONG_S else "")


def _words(parts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(sorted(parts))) or NOTHING
