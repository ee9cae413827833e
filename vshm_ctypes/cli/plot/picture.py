# SPDX-License-Identifier: Apache-2.0
"""Draws a log as a picture: a chart for each kind of quantity on a common time axis, and a mark for each event."""

from __future__ import annotations

import html
import io
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...commandline.atomic_file import write_whole
from ...printable import printable
from ..events import KINDS
from .log import QUANTITIES, Log, thin
from .times import CLOCK_WAS_SET

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STRETCHES = 1000  # more could not be distinguished in the picture
FEW = 100
USUAL_SHARE, FAR = 0.95, 10  # values above FAR times the 95th percentile are drawn at the edge
CHARTS = {  # title: the quantities in it
    "frame rate, fps": ("frame rate",),
    "bitrate, Mbit/s": ("bitrate",),
    "latency, ms": ("latency p50", "latency p99"),
    "key interval, frames": ("key interval",),
    "missed, frames a second": ("missed",),
    "temperature, °C": ("temperature",),
}
SCALES = {"bitrate": 1e-6, "latency p50": 1e3, "latency p99": 1e3}
COLOURS = {
    "gap": "tab:red",
    "dropped": "tab:orange",
    "restart": "tab:purple",
    "discontinuity": "tab:brown",
    "state": "tab:gray",
    "throttling": "tab:cyan",
    "clock": "tab:olive",
}
MARKS = 2000  # of each kind
PAGE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{ring}</title>
<style>
body {{ font: 15px sans-serif; margin: 1em }}
svg {{ max-width: 100%; height: auto }}
td, th {{ padding: .1em 1em .1em 0; text-align: left }}
</style>
<h1>{ring}</h1>
{picture}
<h2>{count} events</h2>
<table><tr><th>time (UTC)<th>event<th>what
{rows}
</table>
</html>
"""


def _dates(times: list[float]) -> Any:
    """Return Unix times for matplotlib, as UTC in milliseconds."""
    import numpy

    return numpy.array([round(time * 1000) for time in times], "datetime64[ms]")


def _draw_curve(axes: Axes, log: Log, name: str, alone: bool) -> bool:
    curve = thin(log.times, log.columns[name], STRETCHES)
    if all(math.isnan(value) for value in curve.mean):
        return False
    scale = SCALES.get(name, 1)
    times = _dates(curve.times)
    low, mean, high = ([value * scale for value in values] for values in (curve.low, curve.mean, curve.high))
    dots = {"marker": "."} if len(log.times) < FEW else {}
    (line,) = axes.plot(times, mean, linewidth=1, label=name, **dots)  # type: ignore[arg-type]
    axes.fill_between(times, low, high, alpha=0.3, color=line.get_color(), linewidth=0)
    if not alone:
        axes.legend(loc="upper left", fontsize="small")
    return True


def _clip(axes: Axes) -> None:
    """Mark a few values far above all others at the upper edge, so that they do not flatten the rest."""
    drawn: list[Any] = [line.get_data() for line in axes.get_lines()]
    told = [(at, float(value)) for times, values in drawn for at, value in zip(times, values, strict=True)]
    points = [(at, value) for at, value in told if not math.isnan(value)]
    values = sorted(value for _, value in points)
    usual = values[min(int(len(values) * USUAL_SHARE), len(values) - 1)] if values else 0.0
    if usual <= 0 or values[-1] <= FAR * usual:
        return
    top = 2 * usual
    beyond = [at for at, value in points if value > top]
    axes.set_ylim(0, top)
    axes.scatter(beyond, [top] * len(beyond), marker="^", color="tab:red", s=30, clip_on=False, zorder=3, gid="clipped")
    axes.set_title(f"▲ up to {values[-1]:.4g}", loc="right", fontsize="small", color="tab:red")


def _mark_events(axes: Axes, log: Log) -> None:
    for kind in KINDS:
        times = [event.time for event in log.events if event.event == kind][:MARKS]
        if times:
            places = [KINDS.index(kind)] * len(times)
            axes.scatter(_dates(times), places, marker="|", s=120, color=COLOURS[kind], gid=f"events-{kind}")
    axes.set_yticks(range(len(KINDS)), KINDS, fontsize="small")
    axes.set_ylim(-0.7, len(KINDS) - 0.3)
    axes.set_title("events", loc="left", fontsize="medium")


@contextmanager
def _elsewhere() -> Iterator[None]:
    """Be in the root folder during this block."""
    here = os.open(".", os.O_PATH | os.O_DIRECTORY)  # which may have been removed, so that it has no name
    try:
        os.chdir("/")
        try:
            yield
        finally:
            os.fchdir(here)
    finally:
        os.close(here)


def _figure(log: Log) -> Figure:
    with _elsewhere():  # matplotlib takes its settings from the current folder, where a stranger may have left some
        from matplotlib.figure import Figure

    told = {one.name for one in QUANTITIES if not all(map(math.isnan, log.columns[one.name]))}
    charts = [(title, names) for title, names in CHARTS.items() if told & set(names)]
    figure = Figure(figsize=(11, 1.8 * (len(charts) + 1)), layout="constrained")
    rows = figure.subplots(len(charts) + 1, 1, sharex=True, squeeze=False)[:, 0]
    for axes, (title, names) in zip(rows, charts, strict=False):
        for name in names:
            _draw_curve(axes, log, name, alone=len(names) == 1)
        axes.set_title(title, loc="left", fontsize="medium")
        axes.set_ylim(bottom=0)
        _clip(axes)
        axes.grid(alpha=0.3)
    _mark_events(rows[-1], log)
    rows[-1].set_xlabel(f"UTC; {CLOCK_WAS_SET}" if log.moved else "UTC")
    figure.suptitle(printable(log.ring), parse_math=False)  # a name between dollars is no formula
    return figure


def _svg(figure: Figure) -> str:
    import matplotlib

    written = io.StringIO()
    plain: dict[str, Any] = {"Creator": None, "Date": None}
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(written, format="svg", metadata=plain)
    return written.getvalue()


def draw(log: Log, path: Path) -> None:
    """Draw a log into a file, .svg, .png, or .html, which adds a table of the events. Raises OSError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a name may have letters that matplotlib's font has not
        _draw(log, path)


def _draw(log: Log, path: Path) -> None:
    figure = _figure(log)
    if path.suffix == ".png":
        png = io.BytesIO()
        figure.savefig(png, format="png")
        write_whole(path, png.getvalue())
        return
    picture = _svg(figure)
    if path.suffix == ".html":
        rows = "\n".join(
            f"<tr><td>{datetime.fromtimestamp(event.time, UTC):%Y-%m-%d %H:%M:%S}<td>{event.event}"
            f"<td>{html.escape(event.text)}"
            for event in log.events
        )
        inline = picture[picture.index("<svg") :]
        picture = PAGE.format(ring=html.escape(log.ring), picture=inline, count=len(log.events), rows=rows)
    write_whole(path, picture)
