# SPDX-License-Identifier: Apache-2.0
"""Computes the positions in the report's charts, which the templates draw.

No charting library draws a percentile axis, stalls behind a time line and a flow in a few kilobytes of SVG without a
script, so this module has scales and points, and the templates have the SVG.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ..figures.latency import LatencyHistogram
from . import figures

WIDTH, HEIGHT = 420.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 50.0, 12.0, 12.0, 30.0
SHARES = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)
SERIES_COLOURS = 6
OUTAGE = 2.5  # multiple of the usual time between two points of a time line


@dataclass(frozen=True, slots=True)
class Detail:
    """How much a chart shows.

    points: of a line across its width. stalls: only that many, the longest. passed: also draw charts of tests that
    passed.
    """

    points: int = 120
    stalls: int = 400
    passed: bool = True


DETAILS = (Detail(), Detail(50, 100), Detail(50, 100, passed=False))  # from everything to only what needs attention


@dataclass(frozen=True, slots=True)
class Tick:
    """A position on an axis, and its label."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line: the points attribute of a polyline, its colour's index (-1: the host's), and its name."""

    points: str
    colour: int
    name: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A label at one position: a limit or a fault."""

    x: float
    y: float
    text: str


@dataclass(slots=True)
class Chart:
    """A chart in its own units: x to the right, y down, WIDTH by HEIGHT."""

    x_ticks: list[Tick] = field(default_factory=list)
    y_ticks: list[Tick] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    limits: list[Mark] = field(default_factory=list)
    stalls: str = ""
    faults: list[Mark] = field(default_factory=list)
    areas: list[str] = field(default_factory=list)
    label: str = ""


class LogAxis:
    """A vertical axis for latencies, on which each decade has the same height."""

    def __init__(self, values_ns: Iterable[float]) -> None:
        values = [max(value, 1.0) for value in values_ns] or [1.0]
        self._low = math.floor(math.log10(min(values)))
        self._high = max(math.ceil(math.log10(max(values))), self._low + 1)

    def at(self, value_ns: float) -> float:
        """Return the position of a latency; beyond the axis, its end."""
        share = (math.log10(max(value_ns, 1.0)) - self._low) / (self._high - self._low)
        return round(HEIGHT - BOTTOM - min(max(share, 0.0), 1.0) * (HEIGHT - TOP - BOTTOM), 1)

    def ticks(self) -> list[Tick]:
        """Return the decades."""
        return [Tick(self.at(10.0**power), figures.span(10**power)) for power in range(self._low, self._high + 1)]


def percentile_at(share: float, largest: float) -> float:
    """Return the position of a share: each further nine has the same width, up to 1 - 10**-largest."""
    nines = min(-math.log10(max(1 - share, 1e-12)), largest)
    return round(LEFT + nines / largest * (WIDTH - LEFT - RIGHT), 1)


def percentile_chart(
    histograms: dict[str, LatencyHistogram],
    host: LatencyHistogram | None,
    limits: Sequence[tuple[float, float]],
    detail: Detail,
) -> Chart | None:
    """Return a chart of latencies by percentile, or None if there are none.

    limits: pairs of a share and the latency in ns that is allowed there.
    """
    filled = {name: histogram for name, histogram in histograms.items() if histogram.count}
    if not filled:
        return None
    nines = max(math.log10(max(histogram.count for histogram in filled.values())), 2.0)
    nines = min(nines, -math.log10(1 - SHARES[-1]))
    distributions = {name: histogram.distribution() for name, histogram in filled.items()}
    shown: list[float] = [value for points in distributions.values() for value in (points[0][0], points[-1][0])]
    shown += [limit_ns for _, limit_ns in limits]
    if host is not None and host.count:
        shown += [host.percentile(50), host.longest_ns]
    axis = LogAxis(shown)
    chart = Chart(y_ticks=axis.ticks(), label=f"latency by percentile: {', '.join(filled)}")
    for share in SHARES:
        if -math.log10(1 - share) <= nines:
            chart.x_ticks.append(Tick(percentile_at(share, nines), f"{share * 100:.10g}%"))
    if host is not None and host.count:
        chart.lines.append(Line(_steps(host.distribution(), axis, nines, detail.points), -1, "the host's own lateness"))
    for number, (name, points) in enumerate(distributions.items()):
        chart.lines.append(Line(_steps(points, axis, nines, detail.points), number % SERIES_COLOURS, name))
    chart.limits = [
        Mark(percentile_at(share, nines), axis.at(limit_ns), figures.span(limit_ns)) for share, limit_ns in limits
    ]
    return chart


def _steps(points: Sequence[tuple[int, float]], axis: LogAxis, nines: float, count: int) -> str:
    """Return a line through the distribution, without points that look the same as their neighbours."""
    kept: list[tuple[float, float]] = [(percentile_at(0.0, nines), axis.at(points[0][0]))]
    step = (WIDTH - LEFT - RIGHT) / count
    for value_ns, share in points:
        place = (percentile_at(share, nines), axis.at(value_ns))
        if place[0] - kept[-1][0] >= step or abs(place[1] - kept[-1][1]) >= step * 2:
            kept.append(place)
    kept.append((percentile_at(points[-1][1], nines), axis.at(points[-1][0])))
    return polyline(kept)


def polyline(places: Iterable[tuple[float, float]]) -> str:
    """Return the points attribute of a polyline."""
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def time_chart(test: dict[str, Any], detail: Detail) -> Chart | None:
    """Return a chart of latency over time with the host's stalls and the faults, or None if nothing was recorded."""
    timeline, faults = coarser(test["timeline"], detail.points * 2), test["faults"]
    stalls = sorted(test["host"]["stalls"] if test["host"] else [], key=lambda stall: -stall[1])[: detail.stalls]
    if not timeline and not faults:
        return None
    times: list[int] = [point[0] for point in timeline] + [fault["at_ns"] for fault in faults]
    begin, end = min(times), max(times)
    if test["host"]:
        begin, end = min(begin, int(test["host"]["begin_ns"])), max(end, int(test["host"]["end_ns"]))
    end = max(end, begin + 1)

    def across(at_ns: float) -> float:
        share = (min(max(at_ns, begin), end) - begin) / (end - begin)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    axis = LogAxis([value for point in timeline for value in point[1:]] + [stall[1] for stall in stalls])
    chart = Chart(y_ticks=axis.ticks() if timeline or stalls else [], label="latency over time")
    chart.x_ticks = [Tick(across(begin + at * 1e9), f"{at:g} s") for at in _round_steps((end - begin) / 1e9)]
    bottom = HEIGHT - BOTTOM
    for at_ns, stall_ns, _cpu in stalls:
        left = across(at_ns - stall_ns)
        width = max(across(at_ns) - left, 1.0)
        chart.stalls += f"M{left:g},{bottom:g}V{axis.at(stall_ns):g}h{width:.1f}V{bottom:g}z"
    for run in runs(timeline):
        medians = [(across(at), axis.at(median)) for at, median, _ in run]
        longest = [(across(at), axis.at(most)) for at, _, most in run]
        chart.areas.append(polyline([*longest, *reversed(medians)]))
        chart.lines += [Line(polyline(longest), 1, "longest"), Line(polyline(medians), 0, "median")]
    for number, fault in enumerate(faults, 1):
        chart.faults.append(Mark(across(fault["at_ns"]), TOP, f"{number}"))
    return chart


def coarser(timeline: Sequence[Sequence[int]], bins: int) -> list[tuple[int, int, int]]:
    """Merge neighbouring bins of a time line, each with the median of their medians and their longest latency."""
    size = -(-len(timeline) // bins) or 1
    parts = [timeline[at : at + size] for at in range(0, len(timeline), size)]
    return [(part[0][0], sorted(one[1] for one in part)[len(part) // 2], max(one[2] for one in part)) for part in parts]


def runs(timeline: Sequence[tuple[int, int, int]]) -> list[list[tuple[int, int, int]]]:
    """Return the parts of a time line between outages, during which no frame came and no line is drawn."""
    steps = sorted(b[0] - a[0] for a, b in pairwise(timeline))
    longest = OUTAGE * steps[len(steps) // 2] if steps else 0
    found: list[list[tuple[int, int, int]]] = []
    for point in timeline:
        if not found or point[0] - found[-1][-1][0] > longest:
            found.append([])
        found[-1].append(point)
    return found


def _round_steps(seconds: float) -> list[float]:
    """Return four to eight round numbers from zero."""
    step: float = 10.0 ** math.floor(math.log10(max(seconds, 1e-3) / 4))
    step = next(step * factor for factor in (1, 2, 5, 10) if seconds / (step * factor) <= 7)
    return [number * step for number in range(int(seconds / step) + 1)]
