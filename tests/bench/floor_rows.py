# SPDX-License-Identifier: Apache-2.0
"""What floor.py compares, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from hil.figures.statistic import Interval, median_interval
from hil.figures.verdict import Verdict

BLOCKS_MIN = 20  # fewer are good for a look only
OURS, FLOOR, TWIN = range(3)
SLOW_DISTANCES = range(1, 32)  # behind its source, modulo a page: there some processors copy many times slower
CROWDS = (64, 128, 256)  # waiting readers
CLEAR_LIMIT = 2.0  # slowest place against the fastest distance; the slow ones take 10 times as long

Figures = dict[str, dict[int, dict[int, list[float]]]]  # figure: block: side: values


@dataclass(slots=True)
class Row:
    """What is compared, and what came of it. ours, floor: medians of the blocks. timed: an unfit host makes it INVALID.

    floor_to_floor: None where there is no twin.
    """

    name: str
    unit: str
    ours: float
    floor: float
    ratio: Interval
    floor_to_floor: Interval | None = None
    at_most: float | None = None
    at_least: float | None = None
    timed: bool = True
    verdict: Verdict | None = None

    def judge(self, blocks: int, host_is_fit: bool) -> None:
        """Set the verdict, by that end of the interval which is the worse for us."""
        if self.at_most is None and self.at_least is None:
            return
        if self.timed and (not host_is_fit or blocks < BLOCKS_MIN):
            self.verdict = Verdict.INVALID
        elif self.at_most is not None:  # a ratio that is no number fails
            self.verdict = Verdict.PASS if self.ratio.high <= self.at_most else Verdict.FAIL
        elif self.at_least is not None:
            self.verdict = Verdict.PASS if self.ratio.low >= self.at_least else Verdict.FAIL


@dataclass(frozen=True, slots=True)
class Compared:
    """A row of a case: a percentile of what the program prints as that figure. scale: from its unit to the row's."""

    name: str
    figure: str
    percent: float = 50
    unit: str = "us"
    scale: float = 1e-3
    at_most: float | None = None
    at_least: float | None = None

    def row(self, figures: Figures) -> Row:
        """Compare block by block."""
        blocks = figures[self.figure].values()
        ours, floor, twin = (
            [float(numpy.percentile(block[side], self.percent)) * self.scale for block in blocks]
            for side in (OURS, FLOOR, TWIN)
        )
        return judged_row(self.name, self.unit, ours, floor, twin, self.at_most, self.at_least)


def judged_row(
    name: str,
    unit: str,
    ours: Sequence[float],
    floor: Sequence[float],
    twin: Sequence[float] | None,
    at_most: float | None,
    at_least: float | None,
) -> Row:
    """Return a row of figures, one a block; judge() has to say what is thought of it."""
    floors = numpy.array(floor)
    to_twin = None if twin is None else _interval(numpy.array(twin) / floors)
    medians = float(numpy.median(ours)), float(numpy.median(floors))
    return Row(name, unit, *medians, _interval(numpy.array(ours) / floors), to_twin, at_most, at_least)


def _interval(ratios: NDArray[numpy.float64]) -> Interval:
    return median_interval(ratios) if len(ratios) > 1 else Interval(*[float(ratios[0])] * 3)


def _latency(fps: int, readers: int) -> tuple[Compared, ...]:
    what = f"{fps}/s, {readers} reader{'' if readers == 1 else 's'}"
    return (
        Compared(f"publish to awake, {what}, p50", "latency_ns", at_most=1.10),
        Compared(f"publish to awake, {what}, p99", "latency_ns", 99, at_most=1.3),
        Compared(f"write alone, {what}, p50", "write_ns"),
    )


def _any(what: str, at_most: float | None = None) -> tuple[Compared, ...]:
    return (
        Compared(f"awake, 16 rings {what}, p50", "latency_ns", at_most=at_most),
        Compared(f"awake, 16 rings {what}, p99", "latency_ns", 99),
        Compared("write alone, p50", "write_ns"),
    )


def _rate(name: str, figure: str) -> Compared:
    return Compared(name, figure, unit="1/s", scale=1, at_least=0.9)


ROWS: dict[str, tuple[Compared, ...]] = {
    "write-64": (Compared("write, 64 KB", "frame_ns", at_most=1.1),),
    "write-512": (Compared("write, 512 KB", "frame_ns", at_most=1.1),),
    "wait-64": (Compared("wait into a buffer, 64 KB", "frame_ns", at_most=1.1),),
    "wait-512": (Compared("wait into a buffer, 512 KB", "frame_ns", at_most=1.1),),
    "direct": (Compared("reserve to release, 4096 KB against 64 KB", "frame_ns", at_most=1.1),),
    "direct-latency": (Compared("reserve to acquired, 4096 KB against 64 KB, p50", "latency_ns", at_most=1.1),),
    "rate": (
        _rate("full rate, 64 KB, frames written", "written_per_s"),
        _rate("full rate, 64 KB, frames received", "received_per_s"),
    ),
    "any-one": _any("of which one is written", at_most=1.2),
    "any-turn": _any("written in turn", at_most=1.2),
    "any-polled": _any("in turn, where the kernel can't wait for several words"),
    "crowd": tuple(Compared(f"write of 4 KB, {count} waiting readers", f"write_ns_{count}") for count in (0, *CROWDS)),
    "readers": tuple(
        Compared(f"write, {count} waiting reader{'' if count == 1 else 's'}", f"write_ns_{count}")
        for count in (0, 1, 2, 4, 8, 16, 32)
    ),
} | {f"latency-{fps}-{readers}": _latency(fps, readers) for fps in (30, 120, 500) for readers in (1, 4)}


def compared(name: str) -> Callable[[Figures], list[Row]]:
    """Return what makes rows of a case's figures."""
    if name == "places":
        return places
    more = per_reader if name == "crowd" else lambda figures: []
    return lambda figures: [*(one.row(figures) for one in ROWS[name]), *more(figures)]


def per_reader(figures: Figures) -> list[Row]:
    """Return what each waiting reader adds to a write, against the floor."""
    found = []
    for count in CROWDS:
        added = {}
        for side in (OURS, FLOOR, TWIN):
            with_none, with_all = (
                [float(numpy.median(block[side])) for block in figures[f"write_ns_{readers}"].values()]
                for readers in (0, count)
            )
            added[side] = (numpy.array(with_all) - numpy.median(with_none)) / count * 1e-3
        medians = float(numpy.median(added[OURS])), float(numpy.median(added[FLOOR]))
        pairs = _interval(added[OURS] / added[FLOOR]), _interval(added[TWIN] / added[FLOOR])
        found.append(Row(f"each of {count} waiting readers adds", "us", *medians, *pairs))
    return found


def places(figures: Figures) -> list[Row]:
    """Return where copies land: which distances are slow on this host, and that slots keep clear of them."""
    only = {name: blocks[0][0] for name, blocks in figures.items()}
    plain = dict(zip(only["plain_distance"], only["plain_ns"], strict=True))
    fastest = min(plain.values())
    rows = [
        _place(f"copy of 64 KB, (target - source) mod 4096 = {distance:g}", ns, fastest)
        for distance, ns in plain.items()
    ]
    for name in [name.removesuffix("_ns") for name in only if name.endswith("_ns") and name != "plain_ns"]:
        slots = "{} slots of {}".format(*name.split("x"))
        row = _place(f"copy to and from {slots}, slowest", max(only[f"{name}_ns"]), fastest)
        row.at_most = CLEAR_LIMIT
        close = float(sum(distance in SLOW_DISTANCES for distance in only[f"{name}_distance"]))
        count = Row(f"places at 1 to 31 in {slots}", "", close, 0, Interval(close, close, close), at_most=0)
        count.timed = False
        rows += [row, count]
    return rows


def _place(name: str, ns: float, fastest_ns: float) -> Row:
    return Row(name, "us", ns / 1e3, fastest_ns / 1e3, Interval(*[ns / fastest_ns] * 3))


def told_row(row: Row) -> str:
    """Return a row as a line of the table."""

    def interval(one: Interval | None) -> str:
        return f"{one.middle:6.3f} [{one.low:6.3f} {one.high:6.3f}]" if one else ""

    limit = f"<= {row.at_most:.2f}" if row.at_most is not None else ""
    limit = f">= {row.at_least:.2f}" if row.at_least is not None else limit
    ratio = interval(row.ratio) if row.ratio.low < row.ratio.high else f"{row.ratio.middle:6.3f}"
    verdict = row.verdict.upper() if row.verdict else "-"
    figures = f"{row.name:52} {row.ours:11.3f} {row.floor:11.3f} {row.unit:3}"
    return f"{figures}  {ratio:24}  {limit:7} {verdict:7}  {interval(row.floor_to_floor)}".rstrip()


def record_of(row: Row) -> dict[str, Any]:
    """Return a row as a JSON object."""
    told: dict[str, Any] = {"name": row.name, "unit": row.unit, "ours": row.ours, "floor": row.floor}
    told["ratio"] = dict(zip(("median", "low", "high"), row.ratio, strict=True))
    if row.floor_to_floor is not None:
        told["floor_to_floor"] = dict(zip(("median", "low", "high"), row.floor_to_floor, strict=True))
    told |= {name: value for name in ("at_most", "at_least") if (value := getattr(row, name)) is not None}
    return told | {"verdict": row.verdict}
