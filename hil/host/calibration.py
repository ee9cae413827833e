# SPDX-License-Identifier: Apache-2.0
"""Writes a board file from measurements: each budget is the worst of several runs plus a margin."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .board import Board

ROOM = 1.5
RUNS_MIN = 3
TEMPLATE = Path(__file__).parent.parent / "boards" / "board.toml.jinja"


@dataclass(frozen=True, slots=True)
class Measured:
    """The budgets that the runs measured. The others keep the board's values, and are not proven."""

    worst: Mapping[str, float]
    runs: int
    skipped: int

    @property
    def proves(self) -> bool:
        """Whether there are enough runs to call the board proven."""
        return self.runs >= RUNS_MIN


def measured(runs: Iterable[dict[str, Any]], board: str) -> Measured:
    """Return the worst value of each budget over all sessions on that board.

    Times of an unfit host count as skipped.
    """
    worst: dict[str, float] = {}
    count = skipped = 0
    for run in runs:
        tests = [test for each in run["sessions"] if each["board"]["name"] == board for test in each["tests"]]
        count += bool(tests)
        for test in tests:
            is_unfit = test["host"] is not None and not test["host"]["fit"]
            for one in (one for one in test["measurements"] if one["budget"]):
                if one["timed"] and is_unfit:
                    skipped += 1
                else:
                    worst[one["budget"]] = max(worst.get(one["budget"], 0.0), one["value"])
    return Measured(worst, count, skipped)


def rounded_up(value: float) -> float:
    """Round up to two digits."""
    if value <= 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    result = math.ceil(round(value / step, 6)) * step
    return round(result, 9)


def board_text(board: Board, title: str, found: Measured, room: float = ROOM) -> str:
    """Return a board file with that board's settings, and the measured budgets plus the margin."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    budgets = dict(board.budgets) | {key: rounded_up(worst * room) for key, worst in found.worst.items()}
    tables: dict[str, dict[str, float]] = {}
    for key, value in budgets.items():
        table, _, name = key.rpartition(".")
        tables.setdefault(table, {})[name] = value
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["toml"] = json.dumps  # JSON's strings, numbers, booleans and arrays are valid TOML
    is_proven = found.proves and set(board.budgets) <= set(found.worst)
    values = {"board": board, "title": title, "found": found, "room": room, "tables": tables, "is_proven": is_proven}
    return environment.get_template(TEMPLATE.name).render(values)
