# SPDX-License-Identifier: Apache-2.0
"""Compares two runs, figure by figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from vshm_ctypes.commandline.atomic_file import write_whole

from . import figures
from .charts import Chart, Detail, percentile_chart
from .merge import Run
from .page import merged_histogram, render, verdict_of
from .words import VERDICTS, headline

EXTENTS = ("frames", "pictures", "")  # units of counts: a longer run has more of them, which is no change
LEAST_CHANGE = 0.0005  # smaller changes are not reported
Direction = Literal["better", "worse", ""]
Side = dict[str, Any]
Name = TypeVar("Name")


@dataclass(frozen=True, slots=True)
class Pair:
    """The same thing in both runs, as in their run.json; None if that run does not have it."""

    first: Side | None
    second: Side | None

    @property
    def newer(self) -> Side:
        """The second run's, or the first's if the second has none. What is the same in both is taken from it."""
        return self.second or self.first or {}

    @property
    def name(self) -> str:
        """The name, which is the same in both."""
        return str(self.newer["name"])


class MeasurementPair(Pair):
    """A measurement in two runs."""

    @property
    def unit(self) -> str:
        """The unit of both values."""
        return str(self.newer["unit"])

    @property
    def change(self) -> float | None:
        """(second - first) / first, or None if a value is missing or the first is 0."""
        if self.first is None or self.second is None or self.first["value"] == 0:
            return None
        return float((self.second["value"] - self.first["value"]) / abs(self.first["value"]))

    @property
    def is_equal(self) -> bool:
        """Whether both have it, with the same verdict and nearly the same value."""
        if self.first is None or self.second is None or self.first.get("verdict") != self.second.get("verdict"):
            return False
        return self.first["value"] == self.second["value"] or abs(self.change or 1.0) < LEAST_CHANGE

    @property
    def direction(self) -> Direction:
        """Worse or better by the side of its limit; for what grows with the run's length, only by its verdict."""
        limited = self.newer
        if self.unit in EXTENTS:
            verdicts = [(side or {}).get("verdict") for side in (self.first, self.second)]
            return {("pass", "fail"): "worse", ("fail", "pass"): "better"}.get(tuple(verdicts), "")  # type: ignore[arg-type,return-value]
        difference = self.second["value"] - self.first["value"] if self.first and self.second else 0
        if not difference or (limited["at_most"] is None) == (limited["at_least"] is None):
            return ""
        return "better" if (difference < 0) == (limited["at_most"] is not None) else "worse"


@dataclass(frozen=True, slots=True)
class TestPair(Pair):
    """A test of one session in two runs."""

    session: str

    @property
    def claim(self) -> str:
        """What the test claims."""
        return str(self.newer["claim"])

    @property
    def verdicts(self) -> tuple[str, str]:
        """The two verdicts, empty where it did not run."""
        return (verdict_of(self.first) if self.first else "", verdict_of(self.second) if self.second else "")

    @property
    def place(self) -> int:
        """The position in the list: another verdict first, then a worse, a better or another figure, then no change."""
        directions = {pair.direction for pair in self.pairs}
        signs = (len(set(self.verdicts)) > 1, "worse" in directions, "better" in directions, bool(self.changed))
        return next((place for place, sign in enumerate(signs) if sign), len(signs))

    @property
    def changed(self) -> list[MeasurementPair]:
        """The measurements that differ, worse ones first."""
        order = ("worse", "better", "")
        return sorted((one for one in self.pairs if not one.is_equal), key=lambda one: order.index(one.direction))

    @property
    def alike(self) -> list[MeasurementPair]:
        """The measurements that do not differ."""
        return [pair for pair in self.pairs if pair.is_equal]

    @property
    def pairs(self) -> list[MeasurementPair]:
        """All measurements, in the order of the second run."""
        sides = [(side or {}).get("measurements", []) for side in (self.first, self.second)]
        first, second = ({one["name"]: one for one in side} for side in sides)
        return [MeasurementPair(first.get(name), second.get(name)) for name in _names(first, second)]

    @property
    def percentiles(self) -> Chart | None:
        """A chart of all latencies of the test in both runs, or None if one run has none."""
        if not (self.first and self.second and self.first["histograms"] and self.second["histograms"]):
            return None
        both = {"A": merged_histogram(self.first), "B": merged_histogram(self.second)}
        return percentile_chart(both, None, [], Detail())


def compare(first: Run, second: Run) -> list[TestPair]:
    """Return the tests of both runs, changed ones first, otherwise in the order of the second run."""
    old, new = ({(session, test["name"]): test for session, test in _tests(run)} for run in (first, second))
    pairs = [TestPair(old.get(key), new.get(key), session=key[0]) for key in _names(old, new)]
    return sorted(pairs, key=lambda pair: pair.place)


def _names(first: Mapping[Name, Side], second: Mapping[Name, Side]) -> list[Name]:
    return [*second, *(name for name in first if name not in second)]


def _tests(run: Run) -> Iterator[tuple[str, dict[str, Any]]]:
    for session in run["sessions"]:
        for test in session["tests"]:
            yield session["name"], test


def write_comparison(first: Run, second: Run, names: tuple[str, str], file: Path) -> None:
    """Write a page that compares both runs. names: what they are called. Raises OSError."""
    sides = [
        {"letter": letter, "name": name, "run": run, "verdict": VERDICTS[run["verdict"]], "line": headline(run)}
        for letter, name, run in zip("AB", names, (first, second), strict=True)
    ]
    text = render("compare.html", sides=sides, tests=compare(first, second), change_text=change_text)
    write_whole(file, text)


def change_text(pair: MeasurementPair) -> str:
    """Return the change as text like +12.5 %, or an empty text if nothing can be compared."""
    if pair.first is None or pair.second is None:
        return "only in B" if pair.second else "only in A"
    if pair.change is None:
        return "=" if pair.second["value"] == pair.first["value"] else figures.figure(pair.second["value"], pair.unit)
    return f"{pair.change:+.1%}".replace("%", " %") if abs(pair.change) >= LEAST_CHANGE else "="


def comparison_record(first: Run, second: Run) -> list[dict[str, Any]]:
    """Return the comparison as JSON objects."""
    return [
        {
            "session": test.session,
            "test": test.name,
            "verdicts": [verdict or None for verdict in test.verdicts],
            "measurements": [
                {
                    "name": pair.name,
                    "unit": pair.unit,
                    "values": [one["value"] if one else None for one in (pair.first, pair.second)],
                    "change": pair.change,
                    "direction": pair.direction or None,
                }
                for pair in test.pairs
            ],
        }
        for test in compare(first, second)
    ]
