# SPDX-License-Identifier: Apache-2.0
"""Dates a picture by the driver's timestamp if it is plausible, else by the time of dequeue."""

from __future__ import annotations

from typing import NamedTuple

# linux/videodev2.h
TIMESTAMP_MASK = 0xE000
TIMESTAMP_MONOTONIC = 0x2000
MAX_AGE_NS = 2_000_000_000  # a timestamp that is older is not believed
MAX_AHEAD_NS = 100_000_000  # some drivers stamp the end of a frame ahead of time


class CaptureTime(NamedTuple):
    """The time of a capture. capture_ns: CLOCK_MONOTONIC. from_driver: whether it is the driver's timestamp."""

    capture_ns: int
    from_driver: bool


def capture_time(flags: int, stamp_ns: int, dequeued_ns: int) -> CaptureTime:
    """Return the time of capture from a V4L2 buffer's flags, timestamp and time of dequeue (CLOCK_MONOTONIC)."""
    age_ns = dequeued_ns - stamp_ns
    if flags & TIMESTAMP_MASK == TIMESTAMP_MONOTONIC and -MAX_AHEAD_NS <= age_ns <= MAX_AGE_NS:
        return CaptureTime(min(stamp_ns, dequeued_ns), True)
    return CaptureTime(dequeued_ns, False)
