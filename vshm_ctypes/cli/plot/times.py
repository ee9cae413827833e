# SPDX-License-Identifier: Apache-2.0
"""Corrects the times of a log during which the wall clock was set: by hand, by time synchronisation, or after boot.

The corrected times are by the clock as it was at the end, which is most likely right, and never run backwards.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection
from dataclasses import replace

from ..events import Event

SECOND, EVENT = 0, 1
CLOCK_WAS_SET = "the wall clock was set meanwhile: times are by the clock as it was in the end"
NEAR_S = 60.0  # an event is at most so far from its second


def straighten(
    times: array[float],
    monotonic: array[float],
    events: list[Event],
    order: bytearray,
    starts: Collection[int],
) -> int:
    """Correct the times of seconds and events in place, and sort the events. Returns how many seconds were moved.

    monotonic has CLOCK_MONOTONIC of each second, or NaN; order has SECOND and EVENT in the order of the log, and starts
    the indices in it where a watch began.
    """
    told = array("d", times)
    _undo_steps(times, events, order, starts)
    latest, shift = -math.inf, 0.0
    for place, time in enumerate(times):
        if time + shift < latest:  # the clock was set between two watches, or the log has no event of it
            shift = latest + 1 - time
        latest = times[place] = time + shift
    moved = sum(now != then for now, then in zip(times, told, strict=True))
    if moved:
        _place_events(times, monotonic, events, order)
    events.sort(key=lambda event: event.time)
    return moved


def _undo_steps(times: array[float], events: list[Event], order: bytearray, starts: Collection[int]) -> None:
    """Undo the steps of the clock, for each watch from its end backwards."""
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
    """Place each event before the second that follows it in the log, by the monotonic clock if that is known."""
    second = event = 0
    for kind in order:
        if kind == SECOND:
            second += 1
            continue
        told, near = events[event], min(second, len(times) - 1)
        before_s = monotonic[near] - (math.nan if told.monotonic is None else told.monotonic)
        events[event] = replace(told, time=times[near] - (before_s if abs(before_s) < NEAR_S else 0.0))
        event += 1
