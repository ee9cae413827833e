# SPDX-License-Identifier: Apache-2.0
"""vshm plot: draws a log of vshm watch --log, as a picture or as a sketch in the terminal."""

from __future__ import annotations

import logging
import math
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from ...commandline.output import can_redraw, complain, is_terminal, print_json, say_over, tell
from ...commandline.place import check_place
from ...commandline.verb import Exit
from ...rings import ring_name
from .. import units
from ..events import Event
from .log import QUANTITIES, Log, Quantity, read_log, thin
from .times import CLOCK_WAS_SET

LABEL = 14
FIGURES = 26
LATEST_EVENTS = 20
PICTURES = (".svg", ".html", ".png")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="log of vshm watch --log; its rotated parts are read too"
    )
    ring = "ring to draw, if the log has several: channel number, NAME or /NAME (default: the first)"
    parser.add_argument("--ring", metavar="RING", help=ring)
    parser.add_argument("-o", "--output", type=Path, metavar="PICTURE", help=f"draw into a file: {', '.join(PICTURES)}")


def wall(time: float) -> str:
    """Return a Unix time as local date and time."""
    return f"{datetime.fromtimestamp(time).astimezone():%Y-%m-%d %H:%M:%S}"


def _tell_value(quantity: Quantity, value: float) -> str:
    if math.isnan(value):
        return units.DASH
    if quantity.unit == "s":
        return units.seconds(value)
    return units.bits(value) if quantity.unit == "bit/s" else f"{value:.4g}"


def sketch(log: Log, width: int) -> list[str]:
    """Return the sketch as lines: the curve of each quantity with its extremes, then the latest events."""
    lines = [f"{log.ring}: {wall(log.times[0])} to {wall(log.times[-1])}, {len(log.times)} seconds"]
    if log.moved:
        lines.append(CLOCK_WAS_SET)
    stretches = max(width - LABEL - FIGURES - 1, 1)
    for quantity in QUANTITIES:
        curve = thin(log.times, log.columns[quantity.name], stretches)
        told = [value for value in curve.mean if not math.isnan(value)]
        if told:
            worst = curve.low if quantity.worst is min else curve.high
            bars = units.sparkline([0 if math.isnan(value) else value for value in worst])
            bars = "".join(" " if math.isnan(value) else bar for value, bar in zip(worst, bars, strict=True))
            least = min(value for value in curve.low if not math.isnan(value))
            most = max(value for value in curve.high if not math.isnan(value))
            figures = f"{_tell_value(quantity, least)} .. {_tell_value(quantity, most)}"
            lines.append(f"{quantity.name:<{LABEL}}{bars} {figures}")
    counts = Counter(event.event for event in log.events)
    lines.append("events: " + (", ".join(f"{count} {kind}" for kind, count in counts.items()) or "none"))
    if len(log.events) > LATEST_EVENTS:
        lines.append(f"the latest {LATEST_EVENTS}:")
    lines += [_tell_event(event) for event in log.events[-LATEST_EVENTS:]]
    return lines


def _tell_event(event: Event) -> str:
    return f"{wall(event.time)}  {event.event}: {event.text}"


@contextmanager
def _counting() -> Iterator[Callable[[int], None]]:
    """Count lines where stderr can be redrawn, until the end of the block."""
    if not can_redraw(sys.stderr):
        yield lambda count: None
        return
    try:
        yield lambda count: say_over(f"{count} lines")
    finally:
        say_over("")


def run(arguments: Namespace) -> int:
    """Return exit code 0, or 1 if FILE can't be read or PICTURE can't be written."""
    output: Path | None = arguments.output
    if output is not None and output.suffix not in PICTURES:
        raise ValueError(f"{output}: its name must end with one of {', '.join(PICTURES)}")
    if output is not None:
        check_place(output)
    with _counting() as told:
        log = read_log(arguments.file, told, ring_name(arguments.ring) if arguments.ring is not None else "")
    if log.unreadable:
        complain(f"{arguments.file}: {log.unreadable} lines are not of a log, and were left out")
    if log.others:
        complain(f"{arguments.file} also has lines of {', '.join(sorted(log.others))}: choose a ring with --ring NAME")
    if output is not None:
        logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns if it finds no folder for its caches
        try:
            from .picture import draw

            draw(log, output)
        except ModuleNotFoundError:
            complain("a picture needs matplotlib: pip install 'video-shm[plot]'; without -o there is a sketch in text")
            return Exit.FINDING
    if arguments.json:
        summary = {
            "ring": log.ring,
            "seconds": len(log.times),
            "events": log.events,
            "moved": log.moved,
            "unreadable": log.unreadable,
        }
        print_json(summary)
    elif output is None:
        width = shutil.get_terminal_size().columns if is_terminal() else 120
        for line in sketch(log, width):
            tell(line)
    return Exit.HEALTHY
