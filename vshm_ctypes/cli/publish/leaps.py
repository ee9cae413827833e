# SPDX-License-Identifier: Apache-2.0
"""Notices when a ring's times of capture are suddenly other ones: of another clock, or of one that was set."""

from __future__ import annotations

from ...frame import Frame
from ..record.sink import time_ns

LEAP_NS = 2_000_000_000


class Leaps:
    """Compares how old the frames of a ring were when they were published. A pause of the camera makes none old.

    A version 1 writer does not tell when that was; then it counts when they were read.
    """

    def __init__(self) -> None:
        self._age_ns: int | None = None

    def is_one(self, frame: Frame, read_ns: int) -> bool:
        """Return whether the times leap at this frame, which was read at read_ns of CLOCK_MONOTONIC."""
        before_ns, self._age_ns = self._age_ns, (frame.publish_ns or read_ns) - time_ns(frame)
        return before_ns is not None and abs(self._age_ns - before_ns) > LEAP_NS
