# SPDX-License-Identifier: Apache-2.0
"""Describes a run in words, for the page and for the terminal."""

from __future__ import annotations

from collections import Counter
from typing import Any

from . import figures
from .merge import Run

VERDICTS = {"pass": "PASS", "fail": "FAIL", "invalid": "INVALID", "skipped": "SKIPPED", None: "NOTHING RAN"}


def counts(run: Run) -> Counter[str]:
    """Return how many tests have each verdict; those without one count as skipped."""
    return Counter(test["verdict"] or "skipped" for session in run["sessions"] for test in session["tests"])


def count_words(numbers: Counter[str]) -> str:
    """Return counts as text, such as 12 passed, 1 failed."""
    words = {"fail": "failed", "invalid": "invalid", "pass": "passed", "skipped": "skipped"}
    return ", ".join(f"{numbers[verdict]} {word}" for verdict, word in words.items() if numbers[verdict]) or "no test"


def headline(run: Run) -> str:
    """Return the run in one line, without its verdict."""
    boards = "; ".join(dict.fromkeys(session["board"]["title"] for session in run["sessions"]))
    return f"{count_words(counts(run))} in {figures.duration(run['seconds'])}{f' ({boards})' if boards else ''}"


def machine_rows(session: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what the tests ran on, as pairs of a name and a description."""
    before, after = session["machine"]["before"], session["machine"]["after"]
    rows = [("Camera", _camera(camera)) for camera in session["cameras"]] or [("Camera", "none was opened")]
    board = session["board"]
    proven = "budgets measured on such a machine" if board["proven"] else "budgets not proven on such a machine yet"
    rows.append(("Board", f"{board['title']} ({board['name']}); {proven}"))
    rows.append(("Machine", f"{before['model'] or 'unknown model'}, {before['architecture']}"))
    rows.append(("Kernel", before["kernel"]))
    clocks = f", {max(before['clocks_mhz'])} MHz" if before["clocks_mhz"] else ""
    governors = f", governor {', '.join(before['governors'])}" if before["governors"] else ""
    total = before["memory_total"]  # reports of earlier versions have 0 if it is unknown
    memory = f"; {figures.figure(total / 2**20, 'MiB')} memory" if total else ""
    rows.append(("Processors", f"{before['processors']}{clocks}{governors}{memory}"))
    rows += _before_and_after("Load", before["load"], after["load"], ".1f", "")
    rows += _before_and_after("Temperature", before["temperature_c"], after["temperature_c"], ".0f", " °C")
    if after["throttling"] is not None:
        rows.append(("Throttling", ", ".join(after["throttling"]).replace("_", " ") or "none"))
    if after["under_voltage"] is not None:
        rows.append(("Power", "under-voltage" if after["under_voltage"] else "sufficient"))
    return rows


def _before_and_after(
    name: str, before: float | None, after: float | None, form: str, unit: str
) -> list[tuple[str, str]]:
    """Return the values before and after the run, as far as they are known."""
    known = [
        f"{value:{form}}{unit} {when}" for value, when in ((before, "before"), (after, "after")) if value is not None
    ]
    return [(name, ", ".join(known))] if known else []


def _camera(camera: dict[str, Any]) -> str:
    told = [name if value is True else f"{name} {value}" for name, value in camera.items() if value and name != "name"]
    return f"{camera['name']}: {', '.join(told)}" if told else str(camera["name"])
