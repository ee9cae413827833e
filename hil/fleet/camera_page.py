# SPDX-License-Identifier: Apache-2.0
"""The frame book's first page: what a camera with books of its own sent, against what came out of its driver."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hil.streamer.books import Books
from hil.usb.books import Picture
from hil.workers.records import Records


@dataclass(frozen=True, slots=True)
class CameraPage:
    """The pictures that a camera sent while a writer ran.

    sent: all of them. damaged: those that it did not send whole. delivered: those of which there is an access unit.
    outside: those before the first and after the last such one of a stream, when nobody may have been there to take
    them. pieces: how many more numbers the driver gave than there are pictures. merged: those whose frame id did not
    tell them from the one before, so that nobody can know of them. lost: those that the writer found missing by the
    driver's numbers, or None if it was killed.
    """

    sent: int
    damaged: int
    delivered: int
    outside: int
    pieces: int = 0
    merged: int = 0
    lost: int | None = 0

    def imbalance(self, books: Books) -> str | None:
        """Return what does not add up, or None if all does or the counts are unknown.

        books: of the writer. What it counted as lost, flagged or given up must be what is missing between the first
        and the last picture that was delivered; outside of them, and of the pieces of one, it may have counted more.
        """
        if self.lost is None:
            return None
        missing = self.sent - self.delivered - self.outside - self.merged
        counted = self.lost + books.source_error + books.encoder_dropped
        if missing <= counted <= missing + self.outside + self.pieces:
            return None
        told = f"{self.lost} lost + {books.source_error} flagged or refused + {books.encoder_dropped} given up"
        given = f"{self.delivered} delivered + {self.outside} outside + {self.merged} merged"
        return f"the camera: {self.sent} sent is not {given} + {told}"


class SentPictures:
    """The pictures that a camera sent, found by the driver's number and the time of an access unit.

    The driver's numbers begin anew with each stream, and what comes in several parts has one for each of them. Of
    pictures with one number the driver takes the first. merged: how many others there are.
    """

    def __init__(self, pictures: Sequence[Picture]) -> None:
        sent = [one for one in pictures if one.sent_ns is not None]
        numbered = [next(group) for _, group in itertools.groupby(sent, key=lambda one: (one.stream, one.sequence))]
        self.merged = len(sent) - len(numbered)
        self.streams = [list(group) for _, group in itertools.groupby(numbered, key=lambda one: one.stream)]
        self._begins_ns = [stream[0].due_ns for stream in self.streams]

    def find(self, sequence: int, at_ns: int) -> tuple[int, int] | None:
        """Return (the position of the stream, that of the picture in it), or None if the camera sent no such one.

        at_ns: when it was captured, or later, but before the next stream began.
        """
        stream = bisect.bisect_right(self._begins_ns, at_ns) - 1
        if stream < 0:
            return None
        pictures = self.streams[stream]
        at = bisect.bisect_right(pictures, sequence, key=lambda one: one.sequence) - 1
        if at < 0 or sequence >= pictures[at].sequence + pictures[at].parts:
            return None
        return stream, at

    def matched(self, written: Records) -> Iterator[tuple[Any, tuple[int, int] | None]]:
        """Yield each row of WRITTEN that has a number of the driver's, and where its picture is."""
        for row in written:
            if row["v4l2_sequence"] >= 0:
                yield row, self.find(int(row["v4l2_sequence"]), int(row["capture_ns"] or row["entry_ns"]))

    def shown(self, written: Records) -> dict[int, int | None]:
        """Return what the bar code of each frame's picture must show, by the frame's number; None: nobody knows."""
        found = ((int(row["number"]), place) for row, place in self.matched(written))
        return {number: self.streams[place[0]][place[1]].number if place else None for number, place in found}


def camera_page(pictures: Sequence[Picture], written: Records, summary: Mapping[str, Any] | None) -> CameraPage:
    """Return the page of one of a writer's processes.

    pictures: that were due while it ran. written: WRITTEN of the process, with what did not get into the ring. summary:
    what it told at its end, or None if it was killed.
    """
    sent = SentPictures(pictures)
    delivered: dict[int, set[int]] = {}
    for _, place in sent.matched(written):
        if place is not None:
            delivered.setdefault(place[0], set()).add(place[1])
    inside = sum(max(places) - min(places) + 1 for places in delivered.values())
    count = sum(map(len, sent.streams))
    return CameraPage(
        sent=count + sent.merged,
        damaged=sum(bool(one.what) for one in pictures if one.sent_ns is not None),
        delivered=sum(map(len, delivered.values())),
        outside=count - inside,
        pieces=sum(one.parts - 1 for stream in sent.streams for one in stream),
        merged=sent.merged,
        lost=None if summary is None else int(summary["camera"].get("lost", 0)),
    )
