# SPDX-License-Identifier: Apache-2.0
"""What vshm watch shows of a ring as text: a line, some lines of a screen, and a summary."""

from __future__ import annotations

from collections.abc import Sequence

from ...commandline.output import cut, print_json
from ...printable import printable
from .. import units
from .second import Second
from .watcher import GONE, PERCENTILES, Summary

HISTORY = 60  # seconds in a sparkline
LABEL = 25  # columns before the sparkline


def _latency(values: dict[int, float]) -> str:
    return ", ".join(f"p{percent} {units.seconds(value)}" for percent, value in values.items()) or units.DASH


def _key(second: Second) -> str:
    return "recovery point" if second.recovery_point else "key"


def line_of(second: Second) -> str:
    """Format a second as one line of text."""
    interval = units.DASH if second.key_interval is None else str(second.key_interval)
    return printable(
        f"{second.ring} {second.state}: {second.fps:.1f} fps, {units.bits(second.bit_rate)}, "
        f"latency {_latency(second.latency_s)}, {_key(second)} every {interval}, "
        f"missed {second.missed} ({second.missed_total})"
    )


def block(second: Second, history: Sequence[Second], width: int) -> list[str]:
    """Format a second and those before it as lines of a screen. A narrow screen shows fewer of the oldest bars."""
    interval = units.DASH
    if second.key_interval is not None:
        interval = f"{second.key_interval} frames, {units.seconds(second.key_interval_s)}"
    waits = ", waiting for the next writer" if second.state in GONE else ""
    lines = [
        f"{second.ring}: {second.state}{waits}, {second.frames} frames, {second.restarts} restarts",
        f"rate      {second.fps:.1f} fps, {units.bits(second.bit_rate)}",
        f"keyframe  every {interval}{', a recovery point' if second.recovery_point else ''}",
        f"missed    {second.missed} in this second, {second.missed_total} in all; "
        f"dropped by the writer {second.dropped_total}",
    ]
    shown = history[-max(width - LABEL, 1) :]
    for percent in PERCENTILES:
        values = [past.latency_s.get(percent, 0.0) for past in shown]
        now = units.seconds(second.latency_s.get(percent))
        lines.append(f"latency   p{percent:<3} {now:>8}  {units.sparkline(values)}")
    lines.append(f"{'fps':{LABEL}}{units.sparkline([past.fps for past in shown])}")
    return [cut(printable(line), width) for line in lines]


def tell(summaries: Sequence[Summary], as_json: bool) -> None:
    """Print the summaries of watches."""
    for summary in summaries:
        if as_json:
            print_json({"summary": summary})
            continue
        end = summary.error or f"the writer is {summary.state}"
        told = (
            f"{summary.ring}: {summary.received} frames in {units.seconds(summary.seconds)}, {summary.missed} missed, "
            f"{summary.restarts} restarts, latency {_latency(summary.latency_s)}; {end}"
        )
        print(printable(told))
