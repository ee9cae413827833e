# SPDX-License-Identifier: Apache-2.0
"""Writes one page of all boards, with a row for each that links to its report, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vshm_ctypes.commandline.atomic_file import write_whole

from ..figures.verdict import Verdict
from ..report.page import FILE, merged_histogram, rank, render
from ..report.words import VERDICTS, count_words, counts, machine_rows
from .farm import BoardResult, exit_code

# The suite's name of the test by which boards' latencies are compared.
LATENCY_TEST = "test_latency"


def rows(results: Sequence[BoardResult]) -> list[dict[str, Any]]:
    """Return for each board its verdict, counts, machine, and the worst p99 in us of its latency tests, or None."""
    return [_row(result) for result in results]


def _row(result: BoardResult) -> dict[str, Any]:
    run = result.run
    sessions = run["sessions"] if run else []
    machines = [dict(machine_rows(session)) for session in sessions]
    histograms = [
        merged_histogram(test) for session in sessions for test in session["tests"] if LATENCY_TEST in test["name"]
    ]
    p99 = [histogram.percentile(99) for histogram in histograms if histogram.count]
    return {
        "target": result.place.target,
        "place": result.place.place,
        "verdict": "fail" if result.problem else run["verdict"] if run else None,
        "exit_code": result.exit_code,
        "problem": result.problem,
        "counts": dict(counts(run)) if run else {},
        "told": count_words(counts(run)) if run else "no report",
        "machine": next((machine["Machine"] for machine in machines), None),
        "kernel": next((machine["Kernel"] for machine in machines), None),
        "throttling": next((machine["Throttling"] for machine in machines if "Throttling" in machine), None),
        "p99_us": max(p99) / 1000 if p99 else None,
        "report": f"{result.place.target}/{FILE}" if run else None,
    }


def write_farm_page(results: Sequence[BoardResult], folder: Path) -> Path:
    """Write index.html beside the boards' folders, those that did not pass first. Returns its path. Raises OSError."""
    table = sorted(rows(results), key=lambda row: (rank(row["verdict"]), row["verdict"] == Verdict.PASS))
    words = {0: Verdict.PASS, 3: Verdict.INVALID}.get(exit_code(results), Verdict.FAIL)
    text = render("farm.html", rows=table, verdict=VERDICTS[words], tone=str(words))
    path = folder / FILE
    write_whole(path, text)
    return path
