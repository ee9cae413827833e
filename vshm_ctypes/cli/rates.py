# SPDX-License-Identifier: Apache-2.0
"""How fast a ring is written: by what its slots tell of their own times, or by looking at it twice."""

from __future__ import annotations

from typing import NamedTuple

from ..info import RingInfo
from ..inspect import SlotInfo
from .mean_frame import mean_bytes

WINDOW_NS = 1_000_000_000  # before the newest frame; older slots are looked at only where it has no other frame


class Rates(NamedTuple):
    """fps: frames per second; bit_rate: bits per second. None: nothing is written, or it can't be told."""

    fps: float | None = None
    bit_rate: float | None = None


def between(before: RingInfo, after: RingInfo, seconds: float, slots: list[SlotInfo]) -> Rates:
    """Return the rates between two looks at a ring. A ring of version 1 counts no bytes: its bit rate is an estimate.

    seconds: from one look to the other. slots: of both looks, in the order of their numbers, or of the later one only.
    """
    frames = after.frames - before.frames
    if frames <= 0 or before.identity != after.identity:
        return Rates()
    if before.last_publish_ns and after.last_publish_ns > before.last_publish_ns:  # exact, from frame to frame
        seconds = (after.last_publish_ns - before.last_publish_ns) / 1e9
    fps = frames / seconds
    if after.extended:
        return Rates(fps, (after.bytes - before.bytes) * 8 / seconds)
    return _estimated(fps, slots, before.frames, after)


def of_slots(slots: list[SlotInfo], info: RingInfo, now_ns: int) -> Rates:
    """Return the rates of the last second, by when the frames in the ring were published. The bit rate is an estimate.

    slots: in the order of their numbers, of a ring of version 2. info: not later than they. now_ns: CLOCK_MONOTONIC.
    """
    if len(slots) < 2:
        return Rates()
    newest = slots[-1]
    recent = [slot for slot in slots[:-1] if newest.publish_ns - slot.publish_ns <= WINDOW_NS]
    first = recent[0] if recent else slots[-2]
    span_ns, frames = newest.publish_ns - first.publish_ns, newest.number - first.number
    if span_ns <= 0 or now_ns - newest.publish_ns > max(WINDOW_NS, 2 * span_ns / frames):
        return Rates()
    return _estimated(frames * 1e9 / span_ns, slots, first.number + 1, info)


def _estimated(fps: float, slots: list[SlotInfo], since: int, info: RingInfo) -> Rates:
    size = mean_bytes(slots, since, info) if slots else None
    return Rates(fps, None if size is None else fps * 8 * size)
