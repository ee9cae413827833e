# SPDX-License-Identifier: Apache-2.0
"""The camera's books: a JSON line for every picture that was due and for every event, written while it happens."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from .growing_file import GrowingFile

STALLED, OVERRUN, GIVEN_UP = "stalled", "overrun", "given-up"  # why a picture that was due was not sent


class Picture(NamedTuple):
    """A picture that was due.

    number: what its bar code shows, or None if none was made. stream: which one since the camera's start, from 1 on.
    sequence: the one that uvcvideo gives it, which counts frame ids since the stream's start. parts: how many frame
    ids it took. due_ns, sent_ns: CLOCK_MONOTONIC; sent_ns is None if it was not sent. bytes: of the whole picture,
    before any fault. what: the faults that it suffered, or why it was not sent; empty if it was sent whole.
    """

    number: int | None
    stream: int
    sequence: int
    parts: int
    due_ns: int
    sent_ns: int | None
    bytes: int
    what: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it was sent as it should be."""
        return self.sent_ns is not None and not self.what


class Event(NamedTuple):
    """Something else that happened. time_ns: CLOCK_MONOTONIC. details: depend on the name."""

    name: str
    time_ns: int
    details: dict[str, Any]


class BookKeeper:
    """Writes the books. to: a file, which gets each line at once, so that a killed camera leaves its books."""

    def __init__(self, to: TextIO) -> None:
        self._to = to
        self._streams = 0

    def open_stream(self) -> int:
        """Return the number of a new stream."""
        self._streams += 1
        return self._streams

    def picture(self, picture: Picture) -> None:
        """Enter a picture."""
        self._write({"picture": picture._asdict()})

    def event(self, name: str, **details: Any) -> None:
        """Enter an event that happens now."""
        self._write({"event": Event(name, time.monotonic_ns(), details)._asdict()})

    def _write(self, line: dict[str, Any]) -> None:
        self._to.write(json.dumps(line) + "\n")
        self._to.flush()


class Books(NamedTuple):
    """The books of a camera up to now."""

    pictures: tuple[Picture, ...]
    events: tuple[Event, ...]

    @property
    def counts(self) -> Counter[str]:
        """How many pictures were "due", "sent", "whole", suffered each fault, and how often each event happened."""
        counts = Counter(event.name for event in self.events)
        for picture in self.pictures:
            counts["due"] += 1
            counts["sent"] += picture.sent_ns is not None
            counts["whole"] += picture.whole
            counts.update(picture.what)
        return counts

    def stream(self, number: int) -> Iterator[Picture]:
        """Yield the pictures of one stream that were sent."""
        return (one for one in self.pictures if one.stream == number and one.sent_ns is not None)


class BookReader:
    """Reads the books of a camera that runs, as often as anybody wants to know, each line once."""

    def __init__(self, path: Path) -> None:
        self._file = GrowingFile(path)
        self._books = Books((), ())

    def read(self) -> Books:
        """Return the books up to now. Raises OSError."""
        more = parse_books(self._file.lines())
        self._books = Books(self._books.pictures + more.pictures, self._books.events + more.events)
        return self._books


def parse_books(lines: Iterable[str]) -> Books:
    """Return what the lines say; one without its end, which is still being written, is left out."""
    pictures, events = [], []
    for line in lines:
        if line.endswith("\n"):
            entry = json.loads(line)
            if "picture" in entry:
                said = entry["picture"]
                pictures.append(Picture(**said | {"what": tuple(said["what"])}))
            else:
                events.append(Event(**entry["event"]))
    return Books(tuple(pictures), tuple(events))
