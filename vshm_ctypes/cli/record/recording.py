# SPDX-License-Identifier: Apache-2.0
"""The progress of a recording, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Recording:
    """What was recorded.

    Attributes:
        ring: name of the ring.
        file: the file that was asked for.
        files: that file, and those that followed when the stream changed.
        frames: pictures in the files, even if one file could not be finished.
        bytes: bytes of these pictures.
        seconds: duration so far.
        missed: frames overwritten in the ring before they could be read.
        gaps: how often recording went on at a later keyframe.
        cut: frames read but not recorded: at the end, after a gap without a keyframe; and at the start of a new file,
            frames that refer to pictures in the file before.
        ended: why it ended.
        timing: the file with the publication time of each frame, or None.
        sound_ring: name of the ring with sound, or None.
        sound_frames: frames of sound in the files.
        sound_missed: frames of sound overwritten before they could be read.
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
