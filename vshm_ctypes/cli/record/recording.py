# SPDX-License-Identifier: Apache-2.0
"""How far a recording is, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Recording:
    """What was recorded. file: as it was asked for; files: that one, and those after it where the stream changed.

    frames, bytes: of pictures in the files, also where one could not be written to its end. missed: frames lost to the
    ring's laps. gaps: times that it went on at a later keyframe. cut: frames that came and are in no file: at the end,
    behind a gap, for lack of a keyframe; and where the next file begins, those that are made from what is in the one
    before.

    timing: the file that tells when each frame was published; None: not wanted. sound_ring: None where there was to be
    no sound; sound_frames of it are in the file, sound_missed were lost to its ring's laps.
    """

    ring: str
    file: str
    files: list[str] = field(default_factory=list)
    frames: int = 0
    bytes: int = 0
    seconds: float = 0.0
    missed: int = 0
    gaps: int = 0
    cut: int = 0
    ended: str = ""
    timing: str | None = None
    sound_ring: str | None = None
    sound_frames: int = 0
    sound_missed: int = 0
