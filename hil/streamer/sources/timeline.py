# SPDX-License-Identifier: Apache-2.0
"""Decides when each picture of a file is due, although times in files start anywhere, are missing, repeat, and jump."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

GAP_S = 10.0  # a longer gap is not waited for; FFmpeg uses the same limit for .ts
INTERVALS = 4.0  # the same limit for a slow file, as a multiple of its interval
BACK_S = 1.0  # a smaller step back is disorder, a larger one starts a new section
TOGETHER_S = 1.0  # how far a stream may overlap when all streams jump together
ROUNDS = 8  # how many rounds a stream may be ahead of another
BEHIND_S = 0.5  # a stream that is later than that continues at the present instead of catching up


class Timeline:
    """Maps the times in a file to CLOCK_MONOTONIC. Streams of one file that are played together share it.

    Each offset belongs to a section of the file in which times are continuous. Each round of a looped file has one or
    several sections.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.clock, self.sleep = clock, sleep
        self._lock = threading.Lock()
        self._offsets: dict[int, list[float]] = {}
        self.late_s = 0.0  # how much everything is delayed
        self._streams: set[object] = set()
        self._at_gap: dict[object, tuple[float, float]] = {}

    @property
    def is_shared(self) -> bool:
        """Whether several streams use it."""
        return len(self._streams) > 1

    def join(self, stream: object) -> None:
        """Add a stream."""
        with self._lock:
            self._streams.add(stream)

    def leave(self, stream: object) -> None:
        """Remove a stream that has ended. A second call does nothing."""
        with self._lock:
            self._streams.discard(stream)
            self._at_gap.pop(stream, None)

    def begin(self, number: int, time_s: float, wanted_s: float | None) -> float:
        """Return the first offset of a round. The first stream to ask places time_s at wanted_s, or at the present."""
        with self._lock:
            if number not in self._offsets:
                at_s = self.clock() - self.late_s if wanted_s is None else wanted_s
                self._offsets[number] = [at_s - time_s]
                self._offsets.pop(number - ROUNDS, None)
            return self._offsets[number][0]

    def jump(self, stream: object, number: int, current: float, time_s: float, expected_s: float) -> float | None:
        """Return the offset, after the current one, of the section that starts with time_s, expected at expected_s.

        Returns None for a jump forward until every stream has reached that gap.
        """
        with self._lock:
            offsets = self._offsets[number]
            for offset in offsets[offsets.index(current) + 1 :]:  # another stream came first
                if time_s + offset >= expected_s - TOGETHER_S:
                    return offset
            if time_s + current < expected_s:
                offsets.append(expected_s - time_s)
                return offsets[-1]
            self._at_gap[stream] = (time_s, expected_s)
            if not self._streams <= self._at_gap.keys():
                return None
            offsets.append(max(expected - first for first, expected in self._at_gap.values()))
            self._at_gap.clear()
            return offsets[-1]

    def passed(self, stream: object) -> None:
        """Note that the stream no longer waits at a gap."""
        with self._lock:
            self._at_gap.pop(stream, None)

    def slip(self, seconds: float) -> None:
        """Delay everything by that time, because a stream could not keep up or the machine was suspended."""
        with self._lock:
            self.late_s += seconds


class Timelines:
    """The timelines of all files."""

    def __init__(self) -> None:
        self._found: dict[str, Timeline] = {}

    def of(self, path: str) -> Timeline:
        """Return the timeline of a file, by whatever name it is opened."""
        return self._found.setdefault(os.path.realpath(path), Timeline())


class Pace:
    """One stream's position on a timeline. interval_s: of its pictures, used if the file has no better information.

    is_at_gap: whether the last picture's place is not known until the other streams have come to the same gap.
    """

    def __init__(self, timeline: Timeline, interval_s: float) -> None:
        self._timeline = timeline
        self._interval_s = interval_s
        self._round = 0
        self._offset: float | None = None
        self._due_s: float | None = None  # of the previous picture
        self._end_s: float | None = None
        self._begin_s = 0.0  # of this round
        self.jumped = False
        self.is_at_gap = False
        timeline.join(self)

    def next_round(self, least_s: float = 0.0) -> None:
        """Start the file again after its last picture, but not before the round is least_s long."""
        self._round += 1
        self._offset = None
        if self._end_s is not None:
            self._end_s = max(self._end_s, self._begin_s + least_s)

    def resume(self) -> None:
        """Start the file again at the present, after it was reopened."""
        self._timeline.join(self)
        if self._end_s is not None:
            self.next_round()
            self._end_s = max(self._end_s, self._timeline.clock() - self._timeline.late_s)

    def place(self, time_s: float | None, zero_s: float | None = None) -> float:
        """Return when a picture with that time is due on the timeline. The same picture may be asked for repeatedly.

        time_s: None if it has no time. zero_s: the start of the file for streams that share it, or None for its first
        time.
        """
        if self._offset is None:
            first_s = zero_s if zero_s is not None else time_s if time_s is not None else 0.0
            self._offset = self._timeline.begin(self._round, first_s, self._end_s)
            self._due_s, self._begin_s = None, self._offset + first_s
            if time_s is None:
                return self._begin_s
        if time_s is None:
            return self._expected_s()
        due_s = time_s + self._offset
        if self._due_s is None:
            return due_s if self._end_s is None else max(due_s, self._end_s)
        if not -BACK_S < due_s - self._due_s <= max(GAP_S, INTERVALS * self._interval_s):
            offset = self._timeline.jump(self, self._round, self._offset, time_s, self._expected_s())
            if offset is None:
                self.is_at_gap = True
                return due_s
            self._offset, self.jumped = offset, True
            due_s = time_s + offset
        return due_s if due_s > self._due_s else self._expected_s()

    def _expected_s(self) -> float:
        assert self._end_s is not None
        return self._end_s

    def took(self, due_s: float, length_s: float) -> bool:
        """Note that a picture of that length was delivered. Returns whether its time jumped."""
        self._due_s, self._end_s = due_s, due_s + (length_s or self._interval_s)
        if self.is_at_gap:
            self.is_at_gap = False
            self._timeline.passed(self)
        jumped, self.jumped = self.jumped, False
        return jumped

    def wait(self, due_s: float, timeout_s: float) -> bool:
        """Sleep until due_s, but at most timeout_s. Returns whether it is due."""
        timeline = self._timeline
        wait_s = due_s + timeline.late_s - timeline.clock()
        if wait_s < -BEHIND_S:
            timeline.slip(-wait_s)
        timeline.sleep(max(min(wait_s, timeout_s), 0))
        return wait_s <= timeout_s

    def wait_for_end(self, timeout_s: float) -> bool:
        """Sleep, at most timeout_s, until the last picture was shown for its full length. Returns whether it was."""
        return self._end_s is None or self.wait(self._end_s, timeout_s)

    def capture_ns(self, due_s: float) -> int:
        """Return a due time on CLOCK_MONOTONIC, in ns."""
        return round((due_s + self._timeline.late_s) * 1e9)

    def close(self) -> None:
        """Leave the timeline. A second call does nothing."""
        self._timeline.leave(self)
