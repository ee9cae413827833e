# SPDX-License-Identifier: Apache-2.0
"""The result of a session: a row for each metric, and one answer. It is stored as gate.json."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from vshm_ctypes.commandline.atomic_file import write_whole

SCHEMA = 1
UNASKED = "not asked: "  # the first words of a promise's detail
ASKED: dict[str, RowKind] = {"promises": "promise", "mixed_builds": "mixed"}
RowKind = Literal["timed", "counted", "promise", "mixed", "integrity", "static"]


class RowVerdict(enum.StrEnum):
    """The verdict on one metric."""

    SAME = "same"
    WORSE = "worse"
    UNDECIDED = "undecided"
    INVALID = "invalid"  # the host was not fit for timing, or can't load one of the libraries
    UNMEASURED = "unmeasured"  # this machine, or one of the libraries, does not show it
    AS_BEFORE = "as before"  # broken in the baseline too
    NEW = "new"  # broken, but the baseline does not have it


class Answer(enum.StrEnum):
    """The answer of the whole session."""

    NO_REGRESSION = "no regression"
    REGRESSION = "regression"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"

    @property
    def exit_code(self) -> int:
        """0 without a regression, 1 with one, 3 if undecided."""
        return {Answer.NO_REGRESSION: 0, Answer.REGRESSION: 1}.get(self, 3)


@dataclass(slots=True)
class Row:
    """A metric of both libraries, in its unit. ratio, low, high: candidate over baseline, above 1 if it is worse.

    samples: the paired log ratios. needed_s: how long the session would have to be for an answer, or None.
    """

    name: str
    kind: RowKind
    verdict: RowVerdict
    unit: str = ""
    baseline: float | None = None
    candidate: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    detail: str = ""
    samples: list[float] = field(default_factory=list)
    needed_s: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Counts of promises. as_before: the baseline breaks or lacks them too. unasked: by reason."""

    kept: int
    broken: list[str]
    as_before: list[str]
    unasked: dict[str, list[str]]

    @classmethod
    def of(cls, rows: Iterable[Row], kind: RowKind) -> Self:
        """Return the counts of all rows of a kind."""
        rows = [row for row in rows if row.kind == kind]
        names = {verdict: [row.name for row in rows if row.verdict is verdict] for verdict in RowVerdict}
        unasked: dict[str, list[str]] = {}
        for row in rows:
            if row.verdict is RowVerdict.UNMEASURED:
                unasked.setdefault(row.detail.removeprefix(UNASKED), []).append(row.name)
        as_before = names[RowVerdict.AS_BEFORE] + names[RowVerdict.NEW]
        return cls(len(names[RowVerdict.SAME]), names[RowVerdict.WORSE], as_before, unasked)

    @property
    def count(self) -> int:
        """How many were asked."""
        return self.kept + len(self.broken) + len(self.as_before)


@dataclass(slots=True)
class Result:
    """A session. seconds: how long it took, without builds. groups: of blocks, in turns A B B A.

    machine: before and after. reasons: why it was not fit for timing. remarks: further notes.
    """

    baseline: str
    candidate: str
    schedule: str
    board: str
    machine: dict[str, Any]
    baseline_commit: str | None = None  # None for a file
    candidate_commit: str | None = None
    answer: Answer = Answer.INVALID
    reasons: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    budget_s: float = 0.0
    groups: int = 0
    rows: list[Row] = field(default_factory=list)

    def conclude(self) -> None:
        """Set the answer from the rows. Broken correctness counts on any host."""
        found = {row.verdict for row in self.rows}
        if RowVerdict.WORSE in found:
            self.answer = Answer.REGRESSION
        elif RowVerdict.INVALID in found:
            self.answer = Answer.INVALID
        elif RowVerdict.UNDECIDED in found:
            self.answer = Answer.INCONCLUSIVE
        else:
            self.answer = Answer.NO_REGRESSION

    @property
    def asked(self) -> dict[str, Asked]:
        """The counts of promises, of the candidate alone and of mixed builds."""
        return {what: Asked.of(self.rows, kind) for what, kind in ASKED.items()}

    def of(self, verdict: RowVerdict) -> list[Row]:
        """Return the rows with that verdict."""
        return [row for row in self.rows if row.verdict is verdict]

    def write(self, path: Path) -> None:
        """Write JSON. Raises OSError."""
        asked = {what: {"asked": asked.count, **asdict(asked)} for what, asked in self.asked.items()}
        told = {"schema": SCHEMA, **asked, **asdict(self)}
        write_whole(path, json.dumps(told, indent=1, allow_nan=False) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what write() wrote. Raises ValueError for anything else, or OSError."""
        try:
            told = json.loads(path.read_text())
            if told.pop("schema") != SCHEMA:
                raise ValueError("of another version")
            for what in ASKED:  # derived from the rows
                told.pop(what, None)
            rows = [Row(**row | {"verdict": RowVerdict(row["verdict"])}) for row in told.pop("rows")]
            return cls(**told | {"answer": Answer(told["answer"])}, rows=rows)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: no gate.json: {error}") from None


def worst_first(rows: Iterable[Row]) -> list[Row]:
    """Return the rows, what needs attention first, otherwise in order of measurement."""
    order = [RowVerdict.WORSE, RowVerdict.INVALID, RowVerdict.UNDECIDED, RowVerdict.AS_BEFORE, RowVerdict.NEW]
    return sorted(rows, key=lambda row: order.index(row.verdict) if row.verdict in order else len(order))
