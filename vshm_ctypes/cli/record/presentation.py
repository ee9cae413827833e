# SPDX-License-Identifier: Apache-2.0
"""Computes when each picture of a stream is shown, and when it is decoded."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from ...bitstream import Order

Picture = TypeVar("Picture")

MOST_REORDERED = 16  # pictures of a decoded picture buffer (ITU-T H.264 A.3.1, H.265 A.4.2)
LEAST_NS = 1_000_000  # between two pictures: Matroska has a resolution of 1 ms


@dataclass(slots=True, eq=False)
class Timed(Generic[Picture]):
    """A picture with its times, in ns since the first picture in output order."""

    picture: Picture
    is_placed: bool = False  # whether pts_ns is known
    pts_ns: int = 0
    dts_ns: int = 0


class Presentation(Generic[Picture]):
    """Assigns times to pictures that come in decoding order.

    A picture is shown at its time of capture. Some encoders take the time when they are done with a picture, so that
    times rise in decoding order. In either case the earliest time belongs to the first picture in output order. Which
    picture that is, is known once no later one can precede it (the bumping process, ITU-T H.264 C.4.5.3, H.265
    C.5.2.4), so some pictures wait.

    No picture is decoded later than it is shown, and the first is decoded at 0, so that a container needs neither
    negative times nor an edit list. The first pictures, which others refer to, follow each other by tick_ns.

    Args:
        depth: how many pictures may precede a picture in decoding order and follow it in output order; None: learn it
            from the first pictures.
        tick_ns: smallest distance of two decoding times.

    Attributes:
        begin_ns: when the first picture in output order was captured; None until it is known.
    """

    def __init__(self, depth: int | None, tick_ns: int) -> None:
        self._learns = depth is None
        self._depth = MOST_REORDERED if depth is None else min(depth, MOST_REORDERED)
        self._tick_ns = tick_ns
        self.begin_ns: int | None = None  # see the class
        self._sequence: int | None = None
        self._taken = self._placed = self._given = 0  # numbers of pictures
        self._waiting: deque[Timed[Picture]] = deque()  # in decoding order
        # A heap of (picture order count, index in decoding order, picture).
        self._unplaced: list[tuple[int, int, Timed[Picture]]] = []
        self._times_ns: list[int] = []  # a heap of the times of _unplaced
        self._placed_ns: deque[int] = deque()  # output times of the placed pictures, without the first _shown
        self._shown = self._shown_ns = 0
        self._highest: int | None = None  # highest order count placed in this sequence
        self._late = 0  # largest distance, in pictures, from decoding order to output order
        self._last_pts_ns, self._last_dts_ns = -LEAST_NS, -tick_ns

    def take(self, picture: Picture, at_ns: int, order: Order | None, begins: bool = False) -> list[Timed[Picture]]:
        """Take the next picture, and return those whose times are known now, in decoding order.

        Args:
            picture: the picture.
            at_ns: its time of capture.
            order: its place in output order; None: it is shown next.
            begins: whether no earlier picture is shown after it.
        """
        sequence, count = order or (None, 0)
        if begins or sequence is None or sequence != self._sequence:  # all earlier pictures are shown before this one
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
        """Return the remaining pictures."""
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
            # Strictly rising, whatever the camera's clock does: containers refuse anything else.
            timed.pts_ns = self._last_pts_ns = max(at_ns - self.begin_ns, self._last_pts_ns + LEAST_NS)
            timed.is_placed = True
            self._placed_ns.append(timed.pts_ns)
            self._late = max(self._late, number - self._placed)
            self._placed += 1
            if self._highest is not None and count < self._highest:  # it came too late for its place
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
