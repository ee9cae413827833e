# SPDX-License-Identifier: Apache-2.0
"""The books of a whole run: every picture accounted for, from the camera to each consumer."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hil.streamer.books import Books


@dataclass(frozen=True, slots=True)
class ReaderPage:
    """One consumer's life. written: frames that were written while it was there. complete: it could still tell."""

    name: str
    written: int
    received: int
    missed: int = 0
    skipped: int = 0
    complete: bool = True

    def imbalance(self) -> str | None:
        """What does not add up; None: all does, or nobody can tell."""
        if not self.complete or self.written == self.received + self.missed + self.skipped:
            return None
        told = f"{self.received} received + {self.missed} missed + {self.skipped} skipped"
        return f"{self.name}: {self.written} written is not {told}"


@dataclass(frozen=True, slots=True)
class WriterPage:
    """One life of the writer. witnessed: frames that its ledger has as written. complete: it could still tell."""

    books: Books
    witnessed: int
    in_flight: int = 0
    complete: bool = True

    def imbalance(self) -> str | None:
        """What does not add up; None: all does, or nobody can tell."""
        if not self.complete:
            return None
        if self.books.written != self.witnessed:
            return f"{self.books.written} written is not what the ledger has: {self.witnessed}"
        return self.books.imbalance(self.in_flight)


@dataclass(slots=True)
class FrameBook:
    """All pages of a run. camera_gaps: numbers that the driver left out, by its own sequence; None: it gives none."""

    writers: list[WriterPage] = field(default_factory=list)
    readers: list[ReaderPage] = field(default_factory=list)
    camera_gaps: int | None = None

    def imbalances(self) -> list[str]:
        """All that does not add up."""
        pages: list[WriterPage | ReaderPage] = [*self.writers, *self.readers]
        return [text for page in pages if (text := page.imbalance()) is not None]

    def totals(self) -> Books:
        """The writer's books over all its lives."""
        total = Books()
        for page in self.writers:
            for name, count in asdict(page.books).items():
                setattr(total, name, getattr(total, name) + count)
        return total

    def to_json(self) -> dict[str, Any]:
        """As a report keeps it."""
        return {
            "camera_gaps": self.camera_gaps,
            "writer": asdict(self.totals()) | {"in_flight": sum(page.in_flight for page in self.writers)},
            "consumers": [asdict(page) for page in self.readers],
            "imbalances": self.imbalances(),
        }


def writer_page(summary: Mapping[str, Any] | None, witnessed: Mapping[str, int]) -> WriterPage:
    """From what the writer printed of a ring at its end, and how its ledger counts results; None: it was killed."""
    names = Books.__dataclass_fields__
    if summary is None:
        encoded = sum(witnessed.values())
        return WriterPage(Books(captured=encoded, encoded=encoded, **witnessed), witnessed["written"], complete=False)
    books = Books(**{name: summary[name] for name in names})
    return WriterPage(books, witnessed["written"], summary["in_flight"])


def camera_gaps(sequences: Sequence[int], encoder_dropped: int, source_error: int) -> int | None:
    """Numbers that the driver left out between the first and the last of these, besides what we dropped ourselves."""
    if not len(sequences) or sequences[0] < 0:
        return None
    steps = [later - earlier - 1 for earlier, later in itertools.pairwise(sequences)]
    left_out = sum(step for step in steps if step > 0)  # a step back is the driver's counter, begun anew
    return max(left_out - encoder_dropped - source_error, 0)
