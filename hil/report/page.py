# SPDX-License-Identifier: Apache-2.0
"""Writes index.html: a single file, without scripts, that loads nothing from a network."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vshm_ctypes.commandline.atomic_file import write_whole

from ..figures.latency import LatencyHistogram
from ..figures.pages import page_environment
from . import figures
from .charts import DETAILS, SERIES_COLOURS, Chart, Detail, percentile_chart, time_chart
from .flow import Flow, flow
from .merge import Run
from .words import VERDICTS, headline, machine_rows

FILE = "index.html"
TEMPLATES = Path(__file__).parent / "templates"
SIZE_MAX = 10**6
ATTENTION = ("fail", "invalid")
PERCENTILES_OF_BUDGETS = {"p50_us": 0.5, "p90_us": 0.9, "p99_us": 0.99, "max_us": 1.0}


class View:
    """A test, as the template shows it."""

    def __init__(self, test: dict[str, Any], detail: Detail) -> None:
        self.test = test
        self.verdict = verdict_of(test)
        self.has_pictures = detail.passed or self.is_open
        histograms = {name: _decoded(encoded) for name, encoded in test["histograms"].items()}
        self.latencies = [
            {"name": name, "colour": number % SERIES_COLOURS, "count": figures.digits(histogram.count)}
            | {key: figures.span(value) for key, value in histogram.summary().items()}
            for number, (name, histogram) in enumerate(histograms.items())
            if histogram.count
        ]
        self.percentiles: Chart | None = None
        self.timeline: Chart | None = None
        self.flow: Flow | None = None
        if self.has_pictures:
            host = _decoded(test["host"]["histogram"]) if test["host"] else None
            self.percentiles = percentile_chart(histograms, host, _allowed(test["measurements"]), detail)
            self.timeline = time_chart(test, detail)
            self.flow = flow(test["frame_book"]) if test["frame_book"] else None
        times = [fault["at_ns"] - test["begin_ns"] for fault in test["faults"]]
        self.faults = [
            {"number": number, "at": figures.duration(at / 1e9), "kind": fault["kind"]}
            for number, (at, fault) in enumerate(zip(times, test["faults"], strict=True), 1)
        ]

    @property
    def is_open(self) -> bool:
        """Whether it is shown unfolded, since it needs attention."""
        return self.verdict in ATTENTION

    @property
    def has_details(self) -> bool:
        """Whether there is more than its line."""
        test = self.test
        return any(test[name] for name in ("message", "measurements", "histograms", "frame_book", "faults", "timeline"))


def _decoded(encoded: str) -> LatencyHistogram:
    """Return a recorded histogram. One that can't be read is shown as empty rather than hiding the whole run."""
    try:
        return LatencyHistogram.decode(encoded)
    except ValueError:
        return LatencyHistogram()


def merged_histogram(test: dict[str, Any]) -> LatencyHistogram:
    """Return all latencies of a test in one histogram."""
    merged = LatencyHistogram()
    for encoded in test["histograms"].values():
        merged.add(_decoded(encoded))
    return merged


def _allowed(measurements: Iterable[dict[str, Any]]) -> list[tuple[float, float]]:
    """Return the latency budgets among the limits, as pairs of a share and ns."""
    found = set()
    for one in measurements:
        share = PERCENTILES_OF_BUDGETS.get((one["budget"] or "").rpartition(".")[2])
        if share is not None and one["at_most"] is not None and one["unit"] == "µs":
            found.add((share, one["at_most"] * 1000))
    return sorted(found)


def worst_first(sessions: list[tuple[dict[str, Any], list[View]]]) -> list[tuple[dict[str, Any], list[View]]]:
    """Sort sessions and their tests: those that did not pass first, otherwise in the order in which they ran."""
    ordered = [(session, sorted(views, key=lambda view: rank(view.verdict))) for session, views in sessions]
    return sorted(ordered, key=lambda pair: min((rank(view.verdict) for view in pair[1]), default=len(ATTENTION)))


def rank(verdict: str | None) -> int:
    """Return the sort key of a verdict, by which what needs attention comes first."""
    return ATTENTION.index(verdict) if verdict in ATTENTION else len(ATTENTION)


def verdict_of(test: dict[str, Any]) -> str:
    """Return the verdict of a test, or skipped if nothing was judged."""
    return test["verdict"] or "skipped"


def render(template: str, **values: Any) -> str:
    """Return a template filled in with the values."""
    environment = page_environment(TEMPLATES)
    environment.globals |= {
        "figures": figures,
        "headline": headline,
        "machine_rows": machine_rows,
    }
    return environment.get_template(template).render(**values)


def write_page(run: Run, path: Path, gate: str = "") -> Path:
    """Write the page, with as much detail as a phone's browser can show. Returns its path. Raises OSError.

    gate: HTML of a section on the regression gate, from hil.gate.page.section_beside.
    """
    for detail in DETAILS:
        views = [[View(test, detail) for test in session["tests"]] for session in run["sessions"]]
        sessions = worst_first(list(zip(run["sessions"], views, strict=True)))
        text = render(
            "page.html", run=run, sessions=sessions, verdict=VERDICTS[run["verdict"]], detail=detail, gate=gate
        )
        if len(text.encode()) < SIZE_MAX:
            break
    write_whole(path, text)
    return path
