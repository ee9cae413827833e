# SPDX-License-Identifier: Apache-2.0
"""Compares what a camera sent with what its driver showed of it, picture by picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from .books import Picture
from .watch import Buffer, Failure

NOTHING = "-"
_SILENCE_S = 1.5  # between two buffers, from which on it is told
_LATE_S = 5.0  # a silence that is so much longer than the camera's is the driver's; any other is a busy machine's
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
    began_ns: int | None = None,
) -> View:
    """Return what was shown of one stream, above all of the pictures that suffered the fault.

    pictures: those that were sent. buffers: in the order in which they came. began_ns: when the camera was asked for
    the stream (CLOCK_MONOTONIC), if what passed until the first buffer counts as silence.
    """
    shown = {buffer.sequence: buffer for buffer in buffers if not buffer.cancelled}
    hit = [one for one in pictures if fault in one.what]
    found = [shown.get(number) for picture in hit for number in _numbers(picture)]
    flags = {"ERROR" if buffer.error else "none" for buffer in found if buffer is not None}
    left_out = sum(buffer is None for buffer in found)
    numbers = _behind(pictures, fault, shown) | ({"left out"} if 2 * left_out > len(found) else set())
    shares = _shares(hit, shown)
    if any(buffer.cancelled for buffer in buffers):
        flags, shares = {"ERROR"}, "0 %"
        numbers.add("0 and no time")
    elif not hit and any(buffer.error for buffer in buffers):  # the fault is none of single pictures
        flags, shares = {"ERROR"}, _shares(pictures, shown)
    begin_ns = [] if began_ns is None else [began_ns]
    silence_s = _longest_s([*begin_ns, *(buffer.got_ns for buffer in buffers)])
    waits = _silence(silence_s, _longest_s([*begin_ns, *(one.sent_ns or 0 for one in pictures)]))
    return View(_words(flags), shares, _words(numbers), _words(map(_failure, failures)), _words([*events, *waits]))


def _silence(silence_s: float, own_s: float) -> list[str]:
    """Return what is told of the longest silence. own_s: the camera's own."""
    told_s = silence_s if silence_s > own_s + _LATE_S else min(own_s, silence_s)
    return [f"silent for {int(told_s)} s"] if told_s > _SILENCE_S else []


def _longest_s(times_ns: Iterable[int]) -> float:
    return max(((after - before) / 1e9 for before, after in pairwise(times_ns)), default=0.0)


def _shares(hit: Sequence[Picture], shown: dict[int, Buffer]) -> str:
    """Return how much of each picture there was; of parts that differ, about how much."""
    shares = sorted(
        100 * shown[number].bytes / max(picture.bytes, 1)
        for picture in hit
        for number in _numbers(picture)
        if number in shown
    )
    if not shares:
        return NOTHING
    if shares[0] == shares[-1] == 100:
        return "all"
    least, most = round(shares[0]), round(shares[-1])
    return f"{least} %" if least == most else f"about {round((least + most) / 2, -1):.0f} %"


def _numbers(picture: Picture) -> range:
    return range(picture.sequence, picture.sequence + picture.parts)


def _behind(pictures: Sequence[Picture], fault: str, shown: dict[int, Buffer]) -> set[str]:
    """Return what became of most of the pictures directly behind those that were hit.

    Others, and some of these, suffer by a busy machine alone.
    """
    found, last = Counter[str](), max(shown, default=0)
    for picture, behind in pairwise(pictures):
        if fault not in picture.what or fault in behind.what:
            continue
        if behind.sequence in _numbers(picture):
            found["the next one lost without a gap"] += 1
        elif behind.sequence not in shown and behind.sequence < last:
            found["the next one left out"] += 1
        elif behind.sequence in shown and shown[behind.sequence].error:
            found["the next one flagged"] += 1
        else:
            found[""] += 1
    return {text for text, count in found.items() if text and 2 * count > found.total()}


def _failure(failure: Failure) -> str:
    return f"{failure.call}: {failure.name}" + (
        f" after {int(failure.after_s)} s" if failure.after_s >= _LONG_S else ""
    )


def _words(parts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(sorted(parts))) or NOTHING
