# SPDX-License-Identifier: Apache-2.0
"""Reads a log of vshm watch --log, with its compressed parts, into columns; days of it fit into memory."""

from __future__ import annotations

import gzip
import json
import math
import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ..events import KINDS, Event
from .times import EVENT, SECOND, straighten

LONGEST_LINE = 64 * 1024
LATEST_TIME = 1e11  # year 5138
MOST_RINGS, LONGEST_NAME = 1000, 201


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity in the log. of returns its value in a line, and worst, min or max, the bad one of its values."""

    name: str
    unit: str
    of: Callable[[dict[str, Any]], Any]
    worst: Callable[[float, float], float]


QUANTITIES = (
    Quantity("frame rate", "fps", lambda line: line.get("fps"), min),
    Quantity("bitrate", "bit/s", lambda line: line.get("bit_rate"), max),
    Quantity("latency p50", "s", lambda line: line.get("latency_s", {}).get("50"), max),
    Quantity("latency p99", "s", lambda line: line.get("latency_s", {}).get("99"), max),
    Quantity("key interval", "frames", lambda line: line.get("key_interval"), max),
    Quantity("missed", "frames", lambda line: line.get("missed"), max),
    Quantity("temperature", "°C", lambda line: line.get("temperature_c"), max),
)


@dataclass(slots=True)
class Log:
    """A log as columns of equal length, with NaN for values that a line does not have.

    Attributes:
        ring: the ring that is read; empty: that of the first line.
        times: Unix time of each second, s.
        monotonic: CLOCK_MONOTONIC of each second, s.
        columns: the values of each quantity.
        events: the events.
        unreadable: number of lines that are not of a log.
        order: SECOND and EVENT in the order of the lines.
        starts: indices in order where a watch began.
        moved: number of seconds whose times were corrected since the wall clock was set.
        others: rings whose lines were left out.
    """

    ring: str = ""
    times: array[float] = field(default_factory=lambda: array("d"))
    monotonic: array[float] = field(default_factory=lambda: array("d"))
    columns: dict[str, array[float]] = field(default_factory=lambda: {one.name: array("d") for one in QUANTITIES})
    events: list[Event] = field(default_factory=list)
    unreadable: int = 0
    order: bytearray = field(default_factory=bytearray)
    starts: set[int] = field(default_factory=set)
    moved: int = 0
    others: set[str] = field(default_factory=set)

    def add(self, line: dict[str, Any]) -> None:
        """Add a line of the log. Raises ValueError, TypeError, AttributeError if it is not one."""
        time, ring = float(line["time"]), str(line["ring"])
        self.ring = self.ring or ring
        if ring != self.ring:
            if len(self.others) < MOST_RINGS:
                self.others.add(ring[:LONGEST_NAME])
            return
        if not 0 <= time < LATEST_TIME:
            raise ValueError(f"{time}: no time")
        if "event" in line:
            if line["event"] not in KINDS:
                raise ValueError("no event that is known")
            count, text = int(line.get("count", 0)), str(line.get("text", ""))[:200]
            monotonic, step_s = number(line.get("monotonic")), number(line.get("step_s", 0.0))
            if not abs(step_s) < LATEST_TIME:
                raise ValueError(f"{step_s}: no step of a clock")
            known = None if math.isnan(monotonic) else monotonic
            self.events.append(Event(time, line["event"], text, count, known, step_s))
            self._note(EVENT, line)
            return
        values = [number(quantity.of(line)) for quantity in QUANTITIES]
        self.monotonic.append(number(line.get("monotonic")))
        self.times.append(time)
        self._note(SECOND, line)
        for quantity, value in zip(QUANTITIES, values, strict=True):
            self.columns[quantity.name].append(value)

    def _note(self, kind: int, line: dict[str, Any]) -> None:
        if line.get("first"):
            self.starts.add(len(self.order))
        self.order.append(kind)


def number(value: object) -> float:
    """Return a number of the log as a float, NaN for None. Raises TypeError for anything else."""
    if value is None:
        return math.nan
    if isinstance(value, int | float) and not math.isinf(value):
        return float(value)
    raise TypeError(f"{value!r} is no number")


def parts(path: Path) -> list[Path]:
    """Return the parts that were rotated out of the file, oldest first, and the file."""
    numbered = []
    for found in path.parent.glob(f"{glob_escaped(path.name)}.*.gz"):
        match = re.fullmatch(r"\.(\d+)\.gz", found.name.removeprefix(path.name))
        if match:
            numbered.append((int(match[1]), found))
    return [*(found for _, found in sorted(numbered, reverse=True)), path]


def glob_escaped(name: str) -> str:
    """Return a glob pattern that matches only this file name."""
    return re.sub(r"([*?[])", r"[\1]", name)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    try:
        while line := file.readline(LONGEST_LINE):
            yield line
    except (EOFError, gzip.BadGzipFile):  # the writer was killed meanwhile
        return


def read_log(path: Path, told: Callable[[int], None] = lambda count: None, ring: str = "") -> Log:
    """Read the lines of one ring from a log and its rotated parts. Raises OSError, and ValueError if there are none.

    told is called now and then with the number of lines read so far. ring is as in Log.
    """
    log = Log(ring)
    count = 0
    for part in parts(path):
        with gzip.open(part) if part.suffix == ".gz" else part.open("rb") as file:
            for line in _lines(file):  # type: ignore[arg-type]
                try:
                    log.add(json.loads(line))
                except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
                    log.unreadable += 1
                count += 1
                if count % 10_000 == 0:
                    told(count)
    if not log.times:
        others = f" of {ring}, but of {', '.join(sorted(log.others))}" if log.others else ""
        raise ValueError(f"{path}: holds no line of vshm watch --log{others}")
    log.moved = straighten(log.times, log.monotonic, log.events, log.order, log.starts)
    return log


GAP_S = 3.0  # between two lines; the log has one each second


@dataclass(frozen=True, slots=True)
class Curve:
    """A column reduced to stretches of time: the least, mean and largest value of each, or NaN if it has none."""

    times: list[float]
    low: list[float]
    mean: list[float]
    high: list[float]


def thin(times: array[float], values: array[float], stretches: int) -> Curve:
    """Reduce a column to stretches of equal length; a column with fewer points stays as it is, with NaN in gaps."""
    if len(times) <= stretches:
        return _whole(times, values)
    begin = min(times)
    length = max((max(times) - begin) / stretches, 1e-9)
    held: list[list[float]] = [[] for _ in range(stretches)]
    for time, value in zip(times, values, strict=True):
        if not math.isnan(value):
            held[min(int((time - begin) / length), stretches - 1)].append(value)
    return Curve(
        [begin + (index + 0.5) * length for index in range(stretches)],
        [min(some, default=math.nan) for some in held],
        [sum(some) / len(some) if some else math.nan for some in held],
        [max(some, default=math.nan) for some in held],
    )


def _whole(times: array[float], values: array[float]) -> Curve:
    places: list[float] = []
    told: list[float] = []
    for time, value in zip(times, values, strict=True):
        if places and time - places[-1] > GAP_S:
            places.append((places[-1] + time) / 2)
            told.append(math.nan)
        places.append(time)
        told.append(value)
    return Curve(places, told, told, told)
