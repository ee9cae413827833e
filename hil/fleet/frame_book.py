# SPDX-License-Identifier: Apache-2.0
"""The frame book of a run, which accounts for every picture from the camera to each consumer."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hil.streamer.books import Books

from .camera_page import CameraPage


@dataclass(frozen=True, slots=True)
class ReaderPage:
    """One consumer's process.

    written: frames that were written while it was attached. complete: its own counts are known.
    """

    name: str
    written: int
    received: int
    missed: int = 0
    skipped: int = 0
    complete: bool = True

    def imbalance(self) -> str | None:
        """Return what does not add up, or None if all does or the counts are unknown."""
        if not self.complete or self.written == self.received + self.missed + self.skipped:
            return None
        told = f"{self.received} received + {self.missed} missed + {self.skipped} skipped"
        return f"{self.name}: {self.written} written is not {told}"


@dataclass(frozen=True, slots=True)
class WriterPage:
    """One process of the writer.

    witnessed: frames that its ledger has as written. complete: its own counts are known.
    """

    books: Books
    witnessed: int
    in_flight: int = 0
    complete: bool = True

    def imbalance(self) -> str | None:
        """Return what does not add up, or None if all does or the counts are unknown."""
        if not self.complete:
            return None
        if self.books.written != self.witnessed:
            return f"{self.books.written} written is not what the ledger has: {self.witnessed}"
        return self.books.imbalance(self.in_flight)


@dataclass(slots=True)
class FrameBook:
    """The accounts of a run.

    camera_gaps: sequence numbers that the driver left out, or None if it has none. cameras: for each page of writers
    what the camera sent to it, by books of its own, if it keeps any.
    """

    writers: list[WriterPage] = field(default_factory=list)
    readers: list[ReaderPage] = field(default_factory=list)
    camera_gaps: int | None = None
    cameras: list[CameraPage] = field(default_factory=list)

    def imbalances(self) -> list[str]:
        """Return all that does not add up."""
        pages: list[WriterPage | ReaderPage] = [*self.writers, *self.readers]
        found = [text for page in pages if (text := page.imbalance()) is not None]
        sides = zip(self.cameras, self.writers, strict=True) if self.cameras else ()
        return [*(text for camera, page in sides if (text := camera.imbalance(page.books)) is not None), *found]

    def totals(self) -> Books:
        """Return the writer's counters, summed over its processes."""
        total = Books()
        for page in self.writers:
            for name, count in asdict(page.books).items():
                setattr(total, name, getattr(total, name) + count)
        return total

    def to_json(self) -> dict[str, Any]:
        """Return the accounts as a JSON object for the report."""
        names = CameraPage.__dataclass_fields__
        camera = {name: sum(getattr(page, name) or 0 for page in self.cameras) for name in names}
        return {
            "camera": camera if self.cameras else None,
            "camera_gaps": self.camera_gaps,
            "writer": asdict(self.totals()) | {"in_flight": sum(page.in_flight for page in self.writers)},
            "consumers": [asdict(page) for page in self.readers],
            "imbalances": self.imbalances(),
        }


def writer_page(summary: Mapping[str, Any] | None, witnessed: Mapping[str, int]) -> WriterPage:
    """Return the account of a writer from its ledger's counts and its summary, which is None if it was killed."""
    names = Books.__dataclass_fields__
    if summary is None:
        encoded = sum(witnessed.values())
        return WriterPage(Books(captured=encoded, encoded=encoded, **witnessed), witnessed["written"], complete=False)
    books = Books(**{name: summary[name] for name in names})
    return WriterPage(books, witnessed["written"], summary["in_flight"])


def camera_gaps(sequences: Sequence[int], encoder_dropped: int, source_error: int) -> int | None:
    """Return how many sequence numbers the driver left out, without the pictures that camera-streamer dropped."""
    if not len(sequences) or sequences[0] < 0:
        return None
    steps = [later - earlier - 1 for earlier, later in itertools.pairwise(sequences)]
    left_out = sum(step for step in steps if step > 0)  # a step back means that the driver restarted its counter
    return max(left_out - encoder_dropped - source_error, 0)
