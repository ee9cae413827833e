# SPDX-License-Identifier: Apache-2.0
"""The times of a log whose wall clock was set meanwhile, by a person, by time synchronisation, or after a boot in 1970.

They are those of the clock as it was in the end, which most likely is right, and never run backwards.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection
from dataclasses import replace

from ..events import Event

SECOND, EVENT = 0, 1
CLOCK_WAS_SET = "the wall clock was set meanwhile: times are by the clock as it was in the end"
NEAR_S = 60.0  # an event is told with its second


def straighten(
    times: array[float],
    monotonic: array[float],
    events: list[Event],
    order: bytearray,
    starts: Collection[int],
) -> int:
    """Put the times of seconds and events right, in place, and events into their order; how many seconds were moved.

    monotonic: of the seconds; NaN: not told. order: SECOND and EVENT as they follow each other in the log; starts:
    places in it where a watch began.
    """
    told = array("d", times)
    _undo_steps(times, events, order, starts)
    latest, shift = -math.inf, 0.0
    for place, time in enumerate(times):
        if time + shift < latest:  # set between two watches, or a log that does not tell of it
            shift = latest + 1 - time
        latest = times[place] = time + shift
    moved = sum(now != then for now, then in zip(times, told, strict=True))
    if moved:
        _place_events(times, monotonic, events, order)
    events.sort(key=lambda event: event.time)
    return moved


def _undo_steps(times: array[float], events: list[Event], order: bytearray, starts: Collection[int]) -> None:
    """Each watch by itself, from its end back."""
    later_s = 0.0
    second, event = len(times), len(events)
    for place in range(len(order) - 1, -1, -1):
        if order[place] == EVENT:
            event -= 1
            later_s += events[event].step_s
        else:
            second -= 1
            times[second] += later_s
        if place in starts:
            later_s = 0.0


def _place_events(times: array[float], monotonic: array[float], events: list[Event], order: bytearray) -> None:
    """Before the second that they are told with, by as much as the monotonic clock says, else at that second."""
    second = event = 0
    for kind in order:
        if kind == SECOND:
            second += 1
            continue
        told, near = events[event], min(second, len(times) - 1)
        before_s = monotonic[near] - (math.nan if told.monotonic is None else told.monotonic)
        events[event] = replace(told, time=times[near] - (before_s if abs(before_s) < NEAR_S else 0.0))
        event += 1
