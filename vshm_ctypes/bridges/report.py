# SPDX-License-Identifier: Apache-2.0
"""Tells what a bridge does: a line of JSON a second for programs, and lines of text at its end for people."""

from __future__ import annotations

import time

from ..commandline.ending import End
from ..commandline.output import counted, print_json, say
from .figures import BridgeFigures, StreamFigures
from .publication import Shown
from .statistics import Statistics

EVERY_S = 1.0
_LOOK_S = 0.25


def report_until(end: End, statistics: Statistics, shown: Shown, *, as_json: bool, seconds: float | None) -> None:
    """Publish the figures, and print them as JSON if asked for, until the end is set, or the seconds are over."""
    begin = time.monotonic()
    turn = 1
    while seconds is None or time.monotonic() - begin < seconds:
        if as_json and time.monotonic() >= begin + turn * EVERY_S:
            print_json(statistics.figures())
            turn = int((time.monotonic() - begin) / EVERY_S) + 1
        shown.update()
        left_s = _LOOK_S if seconds is None else min(_LOOK_S, begin + seconds - time.monotonic())
        if end.wait(left_s):
            return


def tell_end(figures: BridgeFigures, *, as_json: bool) -> None:
    """Print what the bridge did in all: the last line of JSON, or text on stderr."""
    if as_json:
        print_json(figures)
        return
    for stream in figures.streams:
        say(f"{stream.ring} -> {figures.far}: {_told(stream)}")
    if figures.reconnects:
        say(f"{figures.far}: reconnected {counted(figures.reconnects, 'time')}, the last time because: {figures.error}")
    elif figures.error is not None and not any(stream.sent for stream in figures.streams):
        say(f"{figures.far}: never connected: {figures.error}")


def _told(stream: StreamFigures) -> str:
    told = [f"{counted(stream.sent, 'frame')} sent, {stream.sent_bytes / 1e6:.1f} MB"]
    causes = [f"{count} {cause.replace('_', ' ')}" for cause, count in sorted((stream.dropped or {}).items())]
    if causes:
        told.append(f"dropped: {', '.join(causes)}")
    told += [f"{count} {word}" for word, count in (("missed", stream.missed), ("skipped", stream.skipped)) if count]
    if stream.p50_ms is not None:
        told.append(f"{stream.p50_ms:g} ms in the bridge (p50), {stream.p99_ms:g} ms (p99)")
    return ", ".join(told)
