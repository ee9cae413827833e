# SPDX-License-Identifier: Apache-2.0
"""gate.html, and the same as a section of a report: the answer, every pair as a point, every metric as a row.

No script, nothing from a network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ..report.page import TEMPLATES
from .render import HEADINGS, cells, heading, summary
from .result import Answer, Result, Row, worst_first

FILE = "gate.html"
JSON = "gate.json"
WIDTH, HEIGHT, EDGE = 420, 34, 8
LANES = 5  # points that lie on top of each other are told apart
TINTS = {Answer.NO_REGRESSION: "pass", Answer.REGRESSION: "fail"}


@dataclass(frozen=True, slots=True)
class Point:
    """One pair."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Strip:
    """A metric's pairs on a line of log ratios. even: where both are one. low, middle, high: None for one pair."""

    name: str
    ratio: str
    verdict: str
    points: list[Point]
    even: float
    margin: float
    middle: float | None
    low: float | None
    high: float | None


def strip(row: Row) -> Strip:
    """Where the pairs of a timed metric stand. The line reaches as far to either side, and over all pairs."""
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
        row.verdict.value,
        points,
        across(0),
        across(bound),
        middle,
        low,
        high,
    )


def page(result: Result) -> str:
    """The whole file."""
    return _rendered("gate.html", result)


def section_beside(folder: Path) -> str:
    """HTML of the gate.json in a report's folder, for the report's own page; empty: there is none."""
    from markupsafe import escape

    path = folder / JSON
    if not path.exists():
        return ""
    try:
        return _rendered("gate_section.html", Result.read(path))
    except (ValueError, TypeError, AttributeError, ArithmeticError, OSError) as error:  # it may be a stranger's
        return f'<p class="note fail">{escape(path.name)} can\'t be shown: {escape(error)}</p>'


def _rendered(template: str, result: Result) -> str:
    """Labels are refs and paths that a user gave, and details what a library said: all is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader([Path(__file__).parent / "templates", TEMPLATES])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(
        result=result,
        heading=heading(result),
        summary=summary(result),
        tint=TINTS.get(result.answer, "invalid"),
        strips=[strip(row) for row in worst_first(result.rows) if row.samples],
        rows=[cells(row) for row in worst_first(result.rows)],
        headings=HEADINGS,
        width=WIDTH,
        height=HEIGHT,
    )
