# SPDX-License-Identifier: Apache-2.0
"""When each picture of a stream is shown, and when it is decoded."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from ...bitstream import Order

Picture = TypeVar("Picture")

MOST_REORDERED = 16  # pictures of a decoded picture buffer (ITU-T H.264 A.3.1, H.265 A.4.2)
LEAST_NS = 1_000_000  # from picture to picture: Matroska counts in ms


@dataclass(slots=True, eq=False)
class Timed(Generic[Picture]):
    """A picture with its times, in ns from the first picture that is shown on."""

    picture: Picture
    is_placed: bool = False  # whether it is known when it is shown
    pts_ns: int = 0
    dts_ns: int = 0


class Presentation(Generic[Picture]):
    """Puts times to pictures that come in the order in which they are decoded.

    A picture is shown at its time of capture. Where the times only rise although the stream reorders its pictures, as
    those of an encoder that takes the time when it is done, they are given to the pictures in the order in which these
    are shown: the earliest time to the first, in either case. Which one that is, is known once no later one can be
    shown before it (the bumping process, ITU-T H.264 C.4.5.3, H.265 C.5.2.4), so some pictures wait.

    No picture is decoded later than it is shown, and the first one at 0, so that a container needs neither negative
    times nor an edit list: the first ones, which others are made from, follow each other by tick_ns.
    depth: how many pictures may be decoded before one and shown after it; None: what the first pictures show.
    """

    def __init__(self, depth: int | None, tick_ns: int) -> None:
        self._learns = depth is None
        self._depth = MOST_REORDERED if depth is None else min(depth, MOST_REORDERED)
        self._tick_ns = tick_ns
        self.begin_ns: int | None = None  # when the first picture that is shown was captured, once it is known
        self._sequence: int | None = None
        self._taken = self._placed = self._given = 0  # pictures
        self._waiting: deque[Timed[Picture]] = deque()  # in decoding order
        # A heap: picture order count, place in decoding order.
        self._unplaced: list[tuple[int, int, Timed[Picture]]] = []
        self._times_ns: list[int] = []  # a heap: theirs
        self._placed_ns: deque[int] = deque()  # when those placed are shown, in that order, but for the first _shown
        self._shown = self._shown_ns = 0
        self._highest: int | None = None  # picture order count of those placed, in this sequence
        self._late = 0  # how many pictures, at most, one is decoded later than it is shown
        self._last_pts_ns, self._last_dts_ns = -LEAST_NS, -tick_ns

    def take(self, picture: Picture, at_ns: int, order: Order | None, begins: bool = False) -> list[Timed[Picture]]:
        """The next picture. Returns those whose times are known now, in decoding order.

        at_ns: when it was captured. order: its place among those shown; None: it is shown next. begins: none that came
        before is shown after it.
        """
        sequence, count = order or (None, 0)
        if begins or sequence is None or sequence != self._sequence:  # all that came before is shown before
            self._place_all_but(0)
            self._sequence, self._highest = sequence, None
        timed = Timed(picture)
        self._waiting.append(timed)
        heapq.heappush(self._unplaced, (count, self._taken, timed))
        heapq.heappush(self._times_ns, at_ns)
        self._taken += 1
        if self._learns and self._taken == MOST_REORDERED:
            self._learn()
        self._place_all_but(self._depth)
        return self._ready()

    def flush(self) -> list[Timed[Picture]]:
        """The rest."""
        if self._learns:
            self._learn()
        self._place_all_but(0)
        return self._ready()

    def _learn(self) -> None:
        ordered = enumerate(sorted(self._unplaced), self._placed)
        self._depth = max([self._late, *(number - place for place, (_, number, _) in ordered)])
        self._learns = False

    def _place_all_but(self, kept: int) -> None:
        while len(self._unplaced) > kept:
            count, number, timed = heapq.heappop(self._unplaced)
            at_ns = heapq.heappop(self._times_ns)
            if self.begin_ns is None:
                self.begin_ns = at_ns
            # Never back, whatever the camera's clock does: containers refuse it.
            timed.pts_ns = self._last_pts_ns = max(at_ns - self.begin_ns, self._last_pts_ns + LEAST_NS)
            timed.is_placed = True
            self._placed_ns.append(timed.pts_ns)
            self._late = max(self._late, number - self._placed)
            self._placed += 1
            if self._highest is not None and count < self._highest:  # too late to be shown where it belongs
                self._depth = min(self._depth + 1, MOST_REORDERED)
            self._highest = count if self._highest is None else max(self._highest, count)

    def _ready(self) -> list[Timed[Picture]]:
        ready = []
        while not self._learns and self._waiting and self._waiting[0].is_placed:
            timed = self._waiting.popleft()
            while self._shown <= self._given - self._depth:
                self._shown += 1
                self._shown_ns = self._placed_ns.popleft()
            self._given += 1
            timed.dts_ns = self._last_dts_ns = max(self._shown_ns, self._last_dts_ns + self._tick_ns)
            timed.pts_ns = max(timed.pts_ns, timed.dts_ns)
            ready.append(timed)
        return ready
