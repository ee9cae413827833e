# SPDX-License-Identifier: Apache-2.0
"""Boards: the budgets and quirks of one kind of machine, and how it is recognized."""

from __future__ import annotations

import dataclasses
import fnmatch
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..figures.measurement import Measurement
from ..figures.schema import check

FOLDER = Path(__file__).parent.parent / "boards"
SCHEMA = FOLDER / "board.schema.json"
DEFAULT = "generic"

# The unit of a budget is the last part of its name; longer ones first.
UNITS = {
    "us_per_frame": "µs/frame",
    "share": "share",
    "us": "µs",
    "ms": "ms",
    "mb": "MB",
    "kb": "kB",
    "s": "s",
}


class BoardError(ValueError):
    """The board, its file or the budget can't be used. The message says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Stream:
    """What the suite wants from the camera: pixels and frames per second."""

    width: int
    height: int
    fps: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Above these values the host was not fit for timing.

    longest_stall_ms: of a single stall. stalled_share: stalls as a share of the time of all processors. Also as shares
    of the processors' time, steal_share: taken by the hypervisor, foreign_share: used by other programs.
    """

    longest_stall_ms: float
    stalled_share: float
    steal_share: float
    foreign_share: float

    def bearing_single_stalls(self) -> Thresholds:
        """Return the thresholds for figures that one stall does not change: medians over minutes, interleaved pairs."""
        return dataclasses.replace(self, longest_stall_ms=math.inf)

    def bearing_own_stalls(self) -> Thresholds:
        """Return the thresholds for a load that makes stalls itself, so that their share says nothing of the host."""
        return dataclasses.replace(self, stalled_share=math.inf)


@dataclass(frozen=True, slots=True)
class Quirks:
    """What is only reported on this board, but is a failure on others.

    negative_age: capture times may be later than the arrival. sequence_jumps: the driver's sequence numbers may jump
    without a lost picture.
    """

    negative_age: bool = False
    sequence_jumps: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """One kind of machine.

    proven: its budgets were measured on it. models, command_lines: patterns (* and ?) of /proc/device-tree/model and of
    words of /proc/cmdline by which it is recognized. budgets: upper limits by name, such as latency.none.4.p99_us.
    """

    name: str
    title: str
    proven: bool
    stream: Stream
    fitness: Thresholds
    budgets: Mapping[str, float]
    models: tuple[str, ...]
    command_lines: tuple[str, ...]
    quirks: Quirks
    capabilities: frozenset[str]

    def budget(self, key: str) -> float:
        """Return an upper limit. Raises BoardError if the board has none of that name."""
        try:
            return self.budgets[key]
        except KeyError:
            raise BoardError(f"board {self.name} has no budget {key}: add it to its file") from None

    def latency_key(self, consumers: int, load: str = "none") -> str:
        """Return the key of the latency budgets for so many consumers, or the next larger number. Raises BoardError.

        Budgets for that load come first, then those for any load.
        """
        for name in (load, "any") if load != "none" else ("none",):
            prefix = f"latency.{name}."
            counts = {int(key.removeprefix(prefix).split(".")[0]) for key in self.budgets if key.startswith(prefix)}
            enough = [count for count in counts if count >= consumers]
            if enough:
                return f"{prefix}{min(enough)}"
        raise BoardError(f"board {self.name} has no latency budget for {consumers} consumers under load {load}")

    def measurement(self, key: str, name: str, value: float, timed: bool = True) -> Measurement:
        """Return a measurement that is judged by a budget of this board, in the budget's unit. Raises BoardError."""
        return Measurement(name, unit_of(key), value, at_most=self.budget(key), timed=timed, budget=key)


def unit_of(key: str) -> str:
    """Return the unit of a budget from its name."""
    return next(unit for words, unit in UNITS.items() if key.endswith(f"_{words}"))


def known_boards() -> list[str]:
    """Return the names of the boards that are included."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_board(path: Path) -> Board:
    """Return the board of a file. Raises BoardError if it can't be used, or OSError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        check(table, SCHEMA)
    except ValueError as error:
        raise BoardError(f"{path}: {error}") from None
    return Board(
        name=path.stem,
        title=table["title"],
        proven=table["proven"],
        stream=Stream(**table["stream"]),
        fitness=Thresholds(**table["fitness"]),
        budgets=flat(table["budgets"]),
        models=tuple(table.get("models", ())),
        command_lines=tuple(table.get("command_lines", ())),
        quirks=Quirks(**table.get("quirks", {})),
        capabilities=frozenset(table.get("capabilities", ())),
    )


def flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Return nested tables as a single one, with names joined by dots."""
    budgets: dict[str, float] = {}
    for name, value in table.items():
        budgets |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return budgets


def find_board(words: str) -> Board:
    """Return a board by its name or by its file. Raises BoardError or OSError."""
    if "/" in words or words.endswith(".toml"):
        return read_board(Path(words))
    if words not in known_boards():
        raise BoardError(f"no board {words}: there are {', '.join(known_boards())}; or name a file")
    return read_board(FOLDER / f"{words}.toml")


def recognise_board(root: Path = Path("/")) -> Board:
    """Return the board that this machine is, or the generic one if it is not recognized. root: where proc is found."""
    model = _text(root / "proc/device-tree/model").rstrip("\0")
    words = _text(root / "proc/cmdline").split()
    for name in known_boards():
        board = find_board(name)
        if any(fnmatch.fnmatchcase(model, pattern) for pattern in board.models):
            return board
        if any(fnmatch.filter(words, pattern) for pattern in board.command_lines):
            return board
    return find_board(DEFAULT)


def choose_board(words: str | None) -> Board:
    """Return the board that was given by name or file, else the one that this machine is.

    Raises BoardError or OSError.
    """
    return find_board(words) if words else recognise_board()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
