# SPDX-License-Identifier: Apache-2.0
"""Boards: what one kind of machine is held to, what is odd about it, and which one this is."""

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

# The last word of a budget's name is its unit; the longer ones first.
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
    """No such board, a board file that can't be used, or no such budget; says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Stream:
    """What the suite asks of the camera: pixels and frames per second."""

    width: int
    height: int
    fps: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Beyond these the host was not fit for timing.

    longest_stall_ms: of one stall. stalled_share: of all time on all processors, in stalls. Of the processors' time,
    steal_share: taken by the hypervisor, foreign_share: used by programs that are not ours.
    """

    longest_stall_ms: float
    stalled_share: float
    steal_share: float
    foreign_share: float

    def bearing_single_stalls(self) -> Thresholds:
        """For figures that one stall does not move, however long it is: medians over minutes, pairs in turn."""
        return dataclasses.replace(self, longest_stall_ms=math.inf)

    def bearing_own_stalls(self) -> Thresholds:
        """For a load that makes stalls by itself: their share says nothing of the host then."""
        return dataclasses.replace(self, stalled_share=math.inf)


@dataclass(frozen=True, slots=True)
class Quirks:
    """What is information on this board, and a failure elsewhere.

    negative_age: capture times may lie ahead of their arrival. sequence_jumps: the driver's numbers may jump with no
    picture lost.
    """

    negative_age: bool = False
    sequence_jumps: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """One kind of machine.

    proven: its budgets were measured on it. models, command_lines: patterns (* and ?) of /proc/device-tree/model and of
    words of /proc/cmdline that tell it. budgets: upper limits by name, as latency.none.4.p99_us.
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
        """An upper limit. Raises BoardError where the board has none."""
        try:
            return self.budgets[key]
        except KeyError:
            raise BoardError(f"board {self.name} has no budget {key}: add it to its file") from None

    def latency_key(self, consumers: int, load: str = "none") -> str:
        """The budgets for so many consumers or the next more, under that load, else under any. Raises BoardError."""
        for name in (load, "any") if load != "none" else ("none",):
            prefix = f"latency.{name}."
            counts = {int(key.removeprefix(prefix).split(".")[0]) for key in self.budgets if key.startswith(prefix)}
            enough = [count for count in counts if count >= consumers]
            if enough:
                return f"{prefix}{min(enough)}"
        raise BoardError(f"board {self.name} has no latency budget for {consumers} consumers under load {load}")

    def measurement(self, key: str, name: str, value: float, timed: bool = True) -> Measurement:
        """A figure that is held against a budget of this board, in the budget's unit. Raises BoardError."""
        return Measurement(name, unit_of(key), value, at_most=self.budget(key), timed=timed, budget=key)


def unit_of(key: str) -> str:
    """The unit of a budget, from its name."""
    return next(unit for words, unit in UNITS.items() if key.endswith(f"_{words}"))


def known_boards() -> list[str]:
    """Names of the boards that come along."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_board(path: Path) -> Board:
    """A board file. Raises BoardError for one that can't be used, OSError."""
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
    """Nested tables as one, with names joined by dots."""
    budgets: dict[str, float] = {}
    for name, value in table.items():
        budgets |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return budgets


def find_board(words: str) -> Board:
    """By a name that comes along, or by a file. Raises BoardError, OSError."""
    if "/" in words or words.endswith(".toml"):
        return read_board(Path(words))
    if words not in known_boards():
        raise BoardError(f"no board {words}: there are {', '.join(known_boards())}; or name a file")
    return read_board(FOLDER / f"{words}.toml")


def recognise_board(root: Path = Path("/")) -> Board:
    """The board that this machine is; generic, if it is none that is known. root: where proc is found."""
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
    """The one that was asked for, by name or file, else the one that this machine is. Raises BoardError, OSError."""
    return find_board(words) if words else recognise_board()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
