# SPDX-License-Identifier: Apache-2.0
"""A second of a stream, as vshm watch sums it up."""

from __future__ import annotations

from dataclasses import dataclass

from ..events import Event


@dataclass(frozen=True, slots=True)
class Second:
    """What one second brought. latency_s: publish to received, percentile by percent; empty: not known.

    recovery_point: the last keyframe is no IDR picture.
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
