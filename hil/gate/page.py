# SPDX-License-Identifier: Apache-2.0
"""Writes gate.html, also as a section of a report: the answer, every pair as a point, every metric as a row.

It has no script, and loads nothing from a network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ..figures.pages import page_environment
from .render import HEADINGS, cells, heading, summary
from .result import Answer, Result, Row, RowVerdict, worst_first

FILE = "gate.html"
JSON = "gate.json"
TEMPLATES = Path(__file__).parent / "templates"
WIDTH, HEIGHT, EDGE = 320, 34, 8  # of the points, above the axis; a phone shows it at about this size
LANES = 5  # so that points at the same place can be distinguished
TINTS = {Answer.NO_REGRESSION: "pass", Answer.REGRESSION: "fail"}
ROW_TINTS = {RowVerdict.SAME: "pass", RowVerdict.WORSE: "fail", RowVerdict.UNMEASURED: "skipped"}
# Ratios at which the axis may have marks, on either side of 1: the outermost that fit.
MARKS = (
    (0.999, 1.001),
    (0.99, 1.01),
    (0.98, 1.02),
    (0.95, 1.05),
    (0.9, 1.1),
    (0.8, 1.25),
    (0.5, 2),
    (0.2, 5),
    (0.1, 10),
)


@dataclass(frozen=True, slots=True)
class Point:
    """A pair."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A ratio on the axis."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The pairs of a metric on a line of log ratios. even: both are equal. low, middle, high: None for a single pair.

    allowed: the ratio that the margin allows, as text. tint: the verdict's CSS class.
    """

    name: str
    ratio: str
    allowed: str
    verdict: str
    tint: str
    points: list[Point]
    marks: list[Mark]
    even: float
    margin: float
    middle: float | None
    low: float | None
    high: float | None


def strip(row: Row) -> Strip:
    """Return the positions of a timed metric's pairs. The line is symmetric, and holds all pairs."""
    bound = math.log1p(row.margin or 0.0)
    known = [math.log(ratio) for ratio in (row.low, row.ratio, row.high) if ratio]
    reach = 1.05 * max([bound, *map(abs, row.samples), *map(abs, known)]) or 1.0

    def across(log_ratio: float) -> float:
        return round(EDGE + (log_ratio / reach + 1) / 2 * (WIDTH - 2 * EDGE), 1)

    lane = (HEIGHT - 2 * EDGE) / (LANES - 1)
    points = [Point(across(sample), EDGE + number % LANES * lane) for number, sample in enumerate(row.samples)]
    low, middle, high = (across(value) for value in known) if len(known) == 3 else (None, None, None)
    return Strip(
        row.name.replace("_", " "),
        cells(row)[3],
        f"{1 + (row.margin or 0.0):g}",
        row.verdict.value,
        ROW_TINTS.get(row.verdict, "invalid"),
        points,
        [Mark(across(math.log(ratio)), f"{ratio:g}") for ratio in _marks(reach)],
        across(0),
        across(bound),
        middle,
        low,
        high,
    )


def _marks(reach: float) -> list[float]:
    """Return the ratios at the marks of an axis that ends at that log ratio."""
    inside = [pair for pair in MARKS if max(map(abs, map(math.log, pair))) <= reach]
    return [inside[-1][0], 1, inside[-1][1]] if inside else [1]


def page(result: Result) -> str:
    """Return the whole file."""
    return _rendered("gate.html", result)


def section_beside(folder: Path) -> str:
    """Return HTML of the gate.json in a report's folder, for the report's page, or an empty text if there is none."""
    from markupsafe import escape

    path = folder / JSON
    if not path.exists():
        return ""
    try:
        return _rendered("gate_section.html", Result.read(path))
    except (ValueError, TypeError, AttributeError, ArithmeticError, OSError) as error:  # it may be a stranger's
        return f'<p class="note fail">{escape(path.name)} can\'t be shown: {escape(error)}</p>'


def _rendered(template: str, result: Result) -> str:
    return (
        page_environment(TEMPLATES)
        .get_template(template)
        .render(
            result=result,
            heading=heading(result),
            summary=summary(result),
            tint=TINTS.get(result.answer, "invalid"),
            strips=[strip(row) for row in worst_first(result.rows) if row.samples],
            rows=[(ROW_TINTS.get(row.verdict, "invalid"), cells(row)) for row in worst_first(result.rows)],
            headings=HEADINGS,
            width=WIDTH,
            height=HEIGHT,
        )
    )
