# SPDX-License-Identifier: Apache-2.0
"""Prints a run on a terminal: the verdict, what needs attention, and the latencies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vshm_ctypes.commandline.output import counted, painted
from vshm_ctypes.commandline.table import print_table
from vshm_ctypes.printable import printable

from . import figures
from .compare import change_text, compare
from .drivers import Difference
from .merge import Run
from .page import merged_histogram
from .words import VERDICTS, headline, machine_rows

CLAIM_WIDTH = 56
MESSAGE_LINES = 6
LATENCY_HEADINGS = ("LATENCY", "VERDICT", "P50", "P99", "MAX")
COLOURS = {"pass": "bold green", "fail": "bold red", "invalid": "bold yellow"}


def print_summary(run: Run) -> None:
    """Print the essentials of the report's page."""
    print(f"{coloured(VERDICTS[run['verdict']], run['verdict'])}  {printable(headline(run))}")
    for problem in run["problems"]:
        for line in problem.splitlines():
            print(f"  {printable(line)}")
    for session in run["sessions"]:
        told = dict(machine_rows(session))
        print(f"\n{printable(session['name'])}: {printable(told['Camera'])}; {printable(told['Board'])}")
        _print_attention(session)
        _print_latencies(session)


def coloured(text: str, verdict: str | None) -> str:
    """Return the text in the verdict's colour if stdout is a terminal."""
    return painted(text, COLOURS.get(verdict or "", "bold"))


def _print_attention(session: dict[str, Any]) -> None:
    for test in session["tests"]:
        verdict = test["verdict"]
        if verdict not in ("fail", "invalid"):
            continue
        print(f"  {coloured(VERDICTS[verdict], verdict)}  {printable(test['claim'])}  [{printable(test['name'])}]")
        for line in attention_lines(test):
            print(f"    {printable(line)}")


def attention_lines(test: dict[str, Any]) -> list[str]:
    """Return why a test did not simply pass: figures beyond their limits, an unfit host, or the end of its message."""
    beyond = [one for one in test["measurements"] if one["verdict"] != "pass"]
    lines = [f"{one['name']}: {figures.figure(one['value'], one['unit'])}, {figures.limits(one)}" for one in beyond]
    lines += test["host"]["reasons"] if test["host"] else []
    if not any(one["verdict"] == "fail" for one in beyond):
        lines += test["message"].strip().splitlines()[-MESSAGE_LINES:]
    return lines


def latency_rows(session: dict[str, Any]) -> list[list[str]]:
    """Return a row for each test that has latencies, in the columns of LATENCY_HEADINGS."""
    rows = []
    for test in session["tests"]:
        histogram = merged_histogram(test)
        if histogram.count:
            summary = histogram.summary()
            spans = [figures.span(summary[key]) for key in ("p50", "p99", "max")]
            rows.append([test["name"].rpartition("::")[2], test["verdict"] or "skipped", *spans])
    return rows


def _print_latencies(session: dict[str, Any]) -> None:
    if rows := latency_rows(session):
        print()
        print_table(LATENCY_HEADINGS, rows, right=LATENCY_HEADINGS[2:])


def print_comparison(first: Run, second: Run) -> None:
    """Print two runs, figure by figure."""
    for letter, run in (("A", first), ("B", second)):
        print(f"{letter}: {coloured(VERDICTS[run['verdict']], run['verdict'])}  {printable(headline(run))}")
    print()
    rows, alike = [], 0
    for test in compare(first, second):
        claim = shortened(test.claim)
        alike += len(test.alike)
        for pair in test.changed:
            values = [figures.figure(one["value"], one["unit"]) if one else "-" for one in (pair.first, pair.second)]
            rows.append([claim, pair.name, *values, change_text(pair), pair.direction])
            claim = ""
        if len(set(test.verdicts)) > 1:
            rows.append([claim or "", "verdict", *(verdict or "not run" for verdict in test.verdicts), "", ""])
    columns = ("TEST", "FIGURE", "A", "B", "CHANGE", "")
    if rows:
        print_table(columns, rows, ("A", "B", "CHANGE"), shortened=("TEST", "FIGURE"), style=_direction_style)
    print(f"{counted(alike, 'figure')} alike in both" if rows else f"nothing changed: {counted(alike, 'figure')}")


def print_drivers(kernels: Sequence[str], found: Sequence[Difference]) -> None:
    """Print where drivers behave differently, with a column for each run, by its kernel."""
    if not found:
        print(f"drivers behave alike on {', '.join(kernels)}")
        return
    rows = [[one.session, one.subject, *one.values] for one in found]
    print_table(("CAMERA", "WHAT", *kernels), rows, shortened=("WHAT",))


def _direction_style(_column: str, cell: str) -> str:
    return {"worse": "red", "better": "green"}.get(cell, "")


def shortened(text: str) -> str:
    """Shorten a claim so that there is room for figures."""
    return text if len(text) <= CLAIM_WIDTH else f"{text[: CLAIM_WIDTH - 1]}…"
