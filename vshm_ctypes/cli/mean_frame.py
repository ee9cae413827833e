# SPDX-License-Identifier: Apache-2.0
"""How large a stream's mean frame is, by the frames that its ring holds and by what its writer has counted."""

from __future__ import annotations

from itertools import pairwise

from ..codec import Codec
from ..info import RingInfo
from ..inspect import SlotInfo

TOLERANCE = 0.05  # the least and the largest that may be are told by their middle if it is as near to both
NEVER = float("inf")
MOST_TIMES = 2  # as large as the frames in the ring, the mean of a whole life tells of another time


def mean_bytes(slots: list[SlotInfo], since: int, info: RingInfo) -> float | None:
    """Return the bytes of a mean frame, where a keyframe, which is far larger, counts as often as one comes.

    slots: in the order of their numbers, at least one. since: number of the first frame that counts; older ones tell
    sizes only where there is no later one of their kind. info: of the ring, not later than the slots.

    How often a keyframe comes is told by those in the ring, or, if they do not tell, by the mean of the writer's whole
    life. If there is none in the ring, the result is the mean of the writer's whole life, unless the frames in the ring
    say that the stream is another one now: one whose bit rate has fallen to half is never told as before. None: what is
    known leaves more than TOLERANCE open, as after a start, until the second keyframe has come.
    """
    keys = [slot for slot in slots if slot.is_keyframe]
    others = [slot for slot in slots if not slot.is_keyframe]
    is_sound = slots[-1].meta.codec >= Codec.PCM_S16LE
    if is_sound or not others:
        return _size(slots, since)
    other = _size(others, since)
    return _by_keyframes(slots, _size(keys, since), other, info) if keys else _by_counters(slots, other, info)


def counted_gop(last_key: int, keyframes: int) -> float:
    """Return the mean GOP of a writer's whole life, by the number of its last keyframe; infinite if it is the first."""
    return last_key / (keyframes - 1) if keyframes > 1 else NEVER


def _size(slots: list[SlotInfo], since: int) -> float:
    sizes = [slot.meta.size for slot in slots if slot.number >= since] or [slots[-1].meta.size]
    return sum(sizes) / len(sizes)


def _agreed(one: float, other: float) -> float | None:
    middle = (one + other) / 2
    return middle if abs(one - other) <= 2 * TOLERANCE * middle else None


def _least_gop(slots: list[SlotInfo], keys: list[int]) -> int:
    """Return the least GOP with which the ring has no keyframes but those of these numbers, if GOPs have one length."""
    ends = [slots[0].number - 1, *keys, slots[-1].number + 1]
    return max(after - before for before, after in pairwise(ends))


def _by_keyframes(slots: list[SlotInfo], key: float, other: float, info: RingInfo) -> float | None:
    keys = [slot.number for slot in slots if slot.is_keyframe]
    least = _least_gop(slots, keys)

    def mean(shortest: float, longest: float) -> float | None:
        return _agreed(*(other + (key - other) / max(gop, 1) for gop in (shortest, longest)))

    if len(keys) > 1:
        gop = (keys[-1] - keys[0]) / (len(keys) - 1)
        told = mean(gop, max(gop, least))
        if told is not None:
            return told
        least = 1  # they come irregularly
    later = sum(number >= info.frames for number in keys)
    count = info.keyframes + later if info.keyframes else 0  # version 1 counts none
    gop = counted_gop(keys[-1], count)
    longest = max(gop, (slots[-1].number + 1) / count if count else NEVER, least)
    return mean(gop if gop < NEVER else least, longest)


def _by_counters(slots: list[SlotInfo], other: float, info: RingInfo) -> float | None:
    if not info.frames or not info.bytes:  # version 1 counts no bytes
        return None
    keyframes = max(info.keyframes, 1)  # where none is flagged, whatever is larger than the frames in the ring
    larger_by = (info.bytes - info.frames * other) / keyframes
    shortest = info.frames / keyframes  # since the last GOP is not over
    longest = max(shortest, counted_gop(slots[0].number - 1, keyframes), _least_gop(slots, []))
    told = _agreed(other + larger_by / shortest, other + larger_by / longest)
    return told if told is not None and (1 - TOLERANCE) * other <= told < MOST_TIMES * other else None
