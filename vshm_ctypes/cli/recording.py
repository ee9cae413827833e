# SPDX-License-Identifier: Apache-2.0
"""How far a recording is, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Recording:
    """What was recorded. missed: frames lost to the ring's laps. gaps: times that it went on at a later keyframe."""

    ring: str
    file: str
    frames: int = 0
    bytes: int = 0
    seconds: float = 0.0
    missed: int = 0
    gaps: int = 0
    ended: str = ""
