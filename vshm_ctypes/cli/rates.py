# SPDX-License-Identifier: Apache-2.0
"""How fast a ring is written: by what its slots tell of their own times, or by looking at it twice."""

from __future__ import annotations

from typing import NamedTuple

from ..info import RingInfo
from ..inspect import SlotInfo

WINDOW_NS = 1_000_000_000  # before the newest frame; older slots are looked at only where it has no other frame


class Rates(NamedTuple):
    """fps: frames per second; bit_rate: bits per second. None: nothing is written, or it can't be told."""

    fps: float | None = None
    bit_rate: float | None = None


def between(before: RingInfo, after: RingInfo, seconds: float, slots: list[SlotInfo]) -> Rates:
    """Return the rates between two looks at a ring. seconds: from one to the other. slots: of the later one."""
    frames = after.frames - before.frames
    if frames <= 0 or before.identity != after.identity:
        return Rates()
    if before.last_publish_ns and after.last_publish_ns > before.last_publish_ns:  # exact, from frame to frame
        seconds = (after.last_publish_ns - before.last_publish_ns) / 1e9
    fps = frames / seconds
    if after.extended:
        return Rates(fps, (after.bytes - before.bytes) * 8 / seconds)
    if not slots:
        return Rates(fps)
    return Rates(fps, fps * 8 * sum(slot.meta.size for slot in slots) / len(slots))


def of_slots(slots: list[SlotInfo], gop: int | None, now_ns: int) -> Rates:
    """Return the rates of the last second, by when the frames in the ring were published.

    slots: in the order of their numbers, of a ring of version 2. gop: as far as it is known, since the ring may hold
    less than one. now_ns: CLOCK_MONOTONIC.
    """
    if len(slots) < 2:
        return Rates()
    newest = slots[-1]
    recent = [slot for slot in slots[:-1] if newest.publish_ns - slot.publish_ns <= WINDOW_NS]
    first = recent[0] if recent else slots[-2]
    span_ns, frames = newest.publish_ns - first.publish_ns, newest.number - first.number
    if span_ns <= 0 or now_ns - newest.publish_ns > max(WINDOW_NS, 2 * span_ns / frames):
        return Rates()
    fps = frames * 1e9 / span_ns
    return Rates(fps, fps * 8 * _mean_bytes([slot for slot in slots if slot.number > first.number], gop))


def _mean_bytes(slots: list[SlotInfo], gop: int | None) -> float:
    """Return the bytes of a mean frame. A keyframe, which is far larger, counts as often as one comes."""
    keys = [slot.meta.size for slot in slots if slot.is_keyframe]
    others = [slot.meta.size for slot in slots if not slot.is_keyframe]
    if not keys or not others or not gop:
        return sum(keys + others) / len(slots)
    key_bytes, other_bytes = sum(keys) / len(keys), sum(others) / len(others)
    return other_bytes + (key_bytes - other_bytes) / gop
