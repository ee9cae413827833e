# SPDX-License-Identifier: Apache-2.0
"""One second of a watch."""

from __future__ import annotations

from dataclasses import dataclass

from ..events import Event


@dataclass(frozen=True, slots=True)
class Second:
    """What vshm watch measured within one second.

    Attributes:
        ring: name of the ring.
        state: state of its writer.
        fps: frames per second.
        bit_rate: bits per second.
        latency_s: percentiles, by percent, of the time from publication to reception; empty if not known.
        key_interval: frames from one keyframe to the next, or None.
        key_interval_s: the same in seconds.
        recovery_point: whether the last keyframe is not an IDR picture.
        missed: frames missed in this second.
        missed_total: frames missed since the watch began.
        dropped_total: frames that the writer has dropped.
        frames: frames that the writer has written.
        restarts: restarts of the writer since the watch began.
        events: what happened in this second.
    """

    ring: str
    state: str
    fps: float
    bit_rate: float
    latency_s: dict[int, float]
    key_interval: int | None
    key_interval_s: float | None
    recovery_point: bool
    missed: int
    missed_total: int
    dropped_total: int
    frames: int
    restarts: int
    events: list[Event]
