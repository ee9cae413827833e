# SPDX-License-Identifier: Apache-2.0
"""Keeps frames between a reader and a far side that may be slow, or gone, in bounded memory.

Only whole frames go over. When there is no room, the oldest are dropped, and what follows them up to the next keyframe,
since a decoder could not use it. Every frame of sound is a keyframe, so of sound only as many are dropped as it takes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic, monotonic_ns
from typing import Generic, TypeVar

from .figures import Cause
from .statistics import StreamStatistics

MOST_UNITS = 90  # three seconds of pictures
MOST_BYTES = 8 << 20

Unit = TypeVar("Unit")


@dataclass(slots=True)
class Handed(Generic[Unit]):
    """A frame on its way.

    Attributes:
        unit: the frame, or whatever was put in.
        size: its bytes.
        keyframe: whether decoding can start at it.
        since_ns: when it was put in, ns of CLOCK_MONOTONIC.
        discontinuity: whether frames between the one before and this one were dropped.
    """

    unit: Unit
    size: int
    keyframe: bool
    since_ns: int
    discontinuity: bool


class HandOver(Generic[Unit]):
    """Hands frames from one thread to another.

    Args:
        statistics: counts what is received and dropped; whoever takes a frame counts it as sent, or as dropped.
        most_units: how many frames may wait.
        most_bytes: how many bytes they may have.
        arrival: is notified of each frame; hand-overs that one thread waits for share it.

    Attributes:
        cause: why frames are dropped at present.
    """

    def __init__(
        self,
        statistics: StreamStatistics,
        *,
        most_units: int = MOST_UNITS,
        most_bytes: int = MOST_BYTES,
        arrival: threading.Condition | None = None,
    ) -> None:
        self._statistics = statistics
        self._most_units, self._most_bytes = most_units, most_bytes
        self.arrival = arrival or threading.Condition()
        self.cause = Cause.SLOW
        self._waiting: deque[Handed[Unit]] = deque()
        self._bytes = 0
        self._has_gap = False  # before the next frame that is put in
        self._needs_keyframe = False
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def closed(self) -> bool:
        """Whether nothing comes any more."""
        return self._closed

    def put(self, unit: Unit, size: int, *, keyframe: bool) -> None:
        """Put in the next frame. Never waits; drops frames instead, this one included."""
        with self.arrival:
            self._statistics.receive()
            if self._closed:
                self._statistics.drop(Cause.ENDED)
            elif size > self._most_bytes:
                self._lose(Cause.TOO_LARGE)
            elif self._needs_keyframe and not keyframe:
                self._lose(self.cause)
            else:
                self._waiting.append(Handed(unit, size, keyframe, monotonic_ns(), self._has_gap))
                self._bytes += size
                self._has_gap = self._needs_keyframe = False
                self._make_room()
                self.arrival.notify_all()

    def _lose(self, cause: Cause) -> None:
        """Drop the frame that was just put in."""
        self._statistics.drop(cause)
        self._has_gap = self._needs_keyframe = True

    def _make_room(self) -> None:
        if len(self._waiting) <= self._most_units and self._bytes <= self._most_bytes:
            return
        while len(self._waiting) > self._most_units or self._bytes > self._most_bytes:
            self._drop_oldest()
        while self._waiting and not self._waiting[0].keyframe:
            self._drop_oldest()
        self._note_gap()

    def _drop_oldest(self) -> None:
        oldest = self._waiting.popleft()
        self._bytes -= oldest.size
        self._statistics.drop(self.cause)

    def _note_gap(self) -> None:
        if self._waiting:
            self._waiting[0].discontinuity = True
        else:
            self._has_gap = self._needs_keyframe = True

    def take(self, timeout: float) -> Handed[Unit] | None:
        """Return the next frame, or None if none came within timeout seconds, or none will come any more."""
        found = take_first([self], timeout)
        return None if found is None else found[1]

    def _pop(self) -> Handed[Unit]:
        handed = self._waiting.popleft()
        self._bytes -= handed.size
        return handed

    def restart(self) -> None:
        """Drop all that waits before the newest keyframe: a new far side begins there, and with what is new."""
        with self.arrival:
            newest = max((at for at, handed in enumerate(self._waiting) if handed.keyframe), default=len(self._waiting))
            for _ in range(newest):
                self._drop_oldest()
            self._note_gap()

    def close(self) -> None:
        """Let nothing in any more, and end the wait of whoever takes. Not for signal handlers."""
        with self.arrival:
            self._closed = True
            self.arrival.notify_all()


def take_first(hand_overs: Sequence[HandOver[Unit]], timeout: float) -> tuple[int, Handed[Unit]] | None:
    """Return what came first, and its index among hand_overs, which share one arrival.

    Returns None if nothing came within timeout seconds, or nothing will come any more.
    """
    deadline = monotonic() + timeout
    arrival = hand_overs[0].arrival
    with arrival:
        while True:
            ready = [(one._waiting[0].since_ns, index) for index, one in enumerate(hand_overs) if one._waiting]
            if ready:
                index = min(ready)[1]
                return index, hand_overs[index]._pop()
            left = deadline - monotonic()
            if left <= 0 or all(one._closed for one in hand_overs):
                return None
            arrival.wait(left)
