# SPDX-License-Identifier: Apache-2.0
"""Dates frames so that a recording goes on evenly where the clock of their writer does not."""

from __future__ import annotations

import time

from ...commandline.output import complain
from ...frame import Frame, dated

AHEAD_NS = 10_000_000_000  # how far after its publication a picture may have been captured, by clocks that differ
BACK_NS = 2_000_000_000  # a smaller step back is that of pictures that are reordered
REORDERED = 16  # pictures that one may be in front of (ITU-T H.264 A.3.1, H.265 A.4.2)


class SteadyTimes:
    """Gives the frames of a ring times of capture that no clock which is set can spoil.

    A version 1 writer tells the wall clock only. It is translated to CLOCK_MONOTONIC when a frame is read, so that it
    may be set. Of others, times that fall back, lie in the future, or stand still are those of a clock that was
    changed, or of none: such frames count as captured as long before their publication as those before.

    ring: its name, for a line that tells once of the first frame whose time is not believed.
    """

    def __init__(self, ring: str) -> None:
        self._ring = ring
        self._has_told = False
        self._shift_ns = 0
        self._said = 0  # by the frame before
        self._told_ns: int | None = None  # the same on CLOCK_MONOTONIC
        self._step_ns = 0  # from the one before that
        self._highest_ns = 0
        self._ahead_ns = 0  # by how much the first frame's clock is ahead
        self._age_ns = 0  # of the frame before, at its publication

    def steady(self, frame: Frame, published_ns: int | None) -> Frame:
        """Return the frame with its time of capture as capture_ns, which is the same one if it can be believed.

        published_ns: ns of CLOCK_MONOTONIC; None if it is not known, which is so of version 1 frames read late.
        """
        said = frame.capture_ns or frame.publish_ns or frame.timestamp_ms
        is_same, self._said = said == self._said, said
        told_ns = said if frame.capture_ns or frame.publish_ns else _on_monotonic(said)
        at_ns = told_ns + self._shift_ns
        if self._told_ns is None:
            self._ahead_ns = max(at_ns - (published_ns or at_ns), 0)
        elif published_ns is not None and is_same:
            at_ns = published_ns - self._age_ns
        elif published_ns is not None and self._is_leap(at_ns, told_ns - self._told_ns, published_ns):
            at_ns = published_ns - self._age_ns
            self._shift_ns = at_ns - told_ns
            self._tell_once(frame.number)
        self._told_ns, self._highest_ns = told_ns, max(self._highest_ns, at_ns)
        if published_ns is not None:
            self._age_ns = published_ns - at_ns
        return frame if at_ns == frame.capture_ns else dated(frame, max(at_ns, 1))

    def _is_leap(self, at_ns: int, step_ns: int, published_ns: int) -> bool:
        usual_ns, self._step_ns = min(abs(step_ns), self._step_ns), abs(step_ns)
        fell_ns = self._highest_ns - at_ns
        return fell_ns > max(BACK_NS, REORDERED * usual_ns) or at_ns - published_ns > self._ahead_ns + AHEAD_NS

    def _tell_once(self, number: int) -> None:
        if not self._has_told:
            self._has_told = True
            told = "its times of capture leap, as when a clock is set: it goes on by those of publication"
            complain(f"{self._ring}: at frame {number} {told}")


def _on_monotonic(timestamp_ms: int) -> int:
    return timestamp_ms * 1_000_000 - (time.time_ns() - time.monotonic_ns())
