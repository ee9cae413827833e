# SPDX-License-Identifier: Apache-2.0
"""When each picture of a file is due: times in files begin anywhere, are missing, stand still, and jump."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

GAP_S = 10.0  # a longer one is no gap that anybody wants to wait for; FFmpeg draws the same line for .ts
INTERVALS = 4.0  # of a file so slow that its ordinary steps are longer than that
BACK_S = 1.0  # times that go back by less are disorder, by more another stretch of time
TOGETHER_S = 1.0  # by so much a stream may overlap where all jump together
ROUNDS = 8  # that a stream may be ahead of another
BEHIND_S = 0.5  # who is later than that goes on from now instead of catching up


class Timeline:
    """Maps the times in a file to CLOCK_MONOTONIC. Streams of one file that are played together share it.

    Each offset belongs to a stretch of the file in which times go on as they should. A file that is looped has a
    stretch, or several, for each round.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.clock, self.sleep = clock, sleep
        self._lock = threading.Lock()
        self._offsets: dict[int, list[float]] = {}
        self._late_s = 0.0
        self._streams: set[object] = set()
        self._at_gap: dict[object, tuple[float, float]] = {}

    @property
    def is_shared(self) -> bool:
        """Whether several streams follow it."""
        return len(self._streams) > 1

    def join(self, stream: object) -> None:
        """One more follows it."""
        with self._lock:
            self._streams.add(stream)

    def leave(self, stream: object) -> None:
        """It has ended. Twice is fine."""
        with self._lock:
            self._streams.discard(stream)
            self._at_gap.pop(stream, None)

    def begin(self, number: int, time_s: float, wanted_s: float | None) -> float:
        """The first offset of that round: who comes first puts time_s at wanted_s, or at now."""
        with self._lock:
            if number not in self._offsets:
                at_s = self.clock() - self._late_s if wanted_s is None else wanted_s
                self._offsets[number] = [at_s - time_s]
                self._offsets.pop(number - ROUNDS, None)
            return self._offsets[number][0]

    def jump(self, stream: object, number: int, current: float, time_s: float, expected_s: float) -> float | None:
        """The offset, after the current one, of the stretch that begins with time_s, and for which it is expected_s.

        None: it goes forward, and not every stream has come to that gap yet.
        """
        with self._lock:
            offsets = self._offsets[number]
            for offset in offsets[offsets.index(current) + 1 :]:  # another stream was there first
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
        """It stands before no gap any more."""
        with self._lock:
            self._at_gap.pop(stream, None)

    def clock_s(self, due_s: float) -> float:
        """On CLOCK_MONOTONIC."""
        return due_s + self._late_s

    def slip(self, seconds: float) -> None:
        """Everything is later by that: a stream could not keep up, or the machine was asleep."""
        with self._lock:
            self._late_s += seconds


class Timelines:
    """One for each file."""

    def __init__(self) -> None:
        self._found: dict[str, Timeline] = {}

    def of(self, path: str) -> Timeline:
        """That of the file, whatever name it is called by."""
        return self._found.setdefault(os.path.realpath(path), Timeline())


class Pace:
    """One stream's way along a timeline. interval_s: of its pictures, where nothing better is known."""

    def __init__(self, timeline: Timeline, interval_s: float) -> None:
        self._timeline = timeline
        self._interval_s = interval_s
        self._round = 0
        self._offset: float | None = None
        self._due_s: float | None = None  # of the one before
        self._end_s: float | None = None
        self._begin_s = 0.0  # of the round
        self.jumped = False
        timeline.join(self)

    def next_round(self, least_s: float = 0.0) -> None:
        """The file begins again where its last picture ends, but not before the round is as long as least_s."""
        self._round += 1
        self._offset = None
        if self._end_s is not None:
            self._end_s = max(self._end_s, self._begin_s + least_s)

    def resume(self) -> None:
        """The file is opened again, after whatever time: it begins now."""
        self._timeline.join(self)
        if self._end_s is not None:
            self.next_round()
            self._end_s = max(self._end_s, self._timeline.clock() - self._timeline.clock_s(0))

    def place(self, time_s: float | None, zero_s: float | None = None) -> float:
        """When what has that time is due, on the timeline. It may be asked again while it is waited for.

        time_s: None: it has no time. zero_s: the file's begin, for streams that share it; None: its first time.
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
                return due_s
            self._offset, self.jumped = offset, True
            due_s = time_s + offset
        return due_s if due_s > self._due_s else self._expected_s()

    def _expected_s(self) -> float:
        assert self._end_s is not None
        return self._end_s

    def took(self, due_s: float, length_s: float) -> bool:
        """It was handed out; so long it lasts. Whether its time jumped."""
        self._due_s, self._end_s = due_s, due_s + (length_s or self._interval_s)
        self._timeline.passed(self)
        jumped, self.jumped = self.jumped, False
        return jumped

    def wait(self, due_s: float, timeout_s: float) -> bool:
        """Sleep until then, but no longer than timeout_s; whether it is time."""
        wait_s = self._timeline.clock_s(due_s) - self._timeline.clock()
        if wait_s < -BEHIND_S:
            self._timeline.slip(-wait_s)
        self._timeline.sleep(max(min(wait_s, timeout_s), 0))
        return wait_s <= timeout_s

    def wait_for_end(self, timeout_s: float) -> bool:
        """Until the last one has been there for as long as it lasts."""
        return self._end_s is None or self.wait(self._end_s, timeout_s)

    def capture_ns(self, due_s: float) -> int:
        """On CLOCK_MONOTONIC."""
        return round(self._timeline.clock_s(due_s) * 1e9)

    def close(self) -> None:
        """It follows the timeline no more. Twice is fine."""
        self._timeline.leave(self)
