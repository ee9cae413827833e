# SPDX-License-Identifier: Apache-2.0
"""vshm watch without a ring: watches all rings, a line each, and follows those that appear later."""

from __future__ import annotations

import time
from argparse import Namespace
from contextlib import ExitStack
from dataclasses import replace

from ...commandline.ending import End, heeding
from ...commandline.output import complain, counted, cut, describe, print_json
from ...commandline.table import table_lines
from ...commandline.verb import Exit
from ...errors import ProducerNotRunning, VideoShmError
from ...inspect import list_rings
from ...limits import explain
from ...printable import printable
from .. import units
from ..events import Event, found_event, lost_event
from ..list import COLOURS, none_found, unreadable
from ..sigbus import outlive_faults
from .follower import Follower
from .lines import line_of, tell
from .log import WatchLog
from .screen import Screen
from .second import Second
from .watcher import Summary

MOST_RINGS = 64  # watched at once; each takes a thread
GONE_S = 10.0  # how long a removed ring is still shown, and taken for the same if it comes back
COLUMNS = ("RING", "STATE", "FPS", "BITRATE", "KEY", "P50", "P99", "MISSED", "DROPPED")
NUMBERS = COLUMNS[2:]
FIRST_TO_GO = ("DROPPED", "KEY", "P50", "BITRATE", "MISSED", "P99")


class Overview:
    """All rings that are watched."""

    def __init__(self) -> None:
        self._followers: dict[str, Follower] = {}
        self._latest: dict[str, Second] = {}
        self._gone_s: dict[str, float] = {}  # since when a ring is gone, by CLOCK_MONOTONIC
        self._refused: dict[str, str] = {}
        self._closed: list[str] = []  # rings that this user may not read
        self._trouble = ""  # why it could not be looked which rings there are
        self._ended: dict[str, str] = {}  # why a watch has ended, until a ring of that name is watched again
        self._unwatched = 0
        self.summaries: list[Summary] = []  # of ended watches, to be printed
        self.events: list[tuple[str, Event]] = []  # rings that are gone or back, to be logged
        self.is_finding = False

    @property
    def is_empty(self) -> bool:
        """Whether no ring is watched."""
        return not self._followers

    def look(self) -> None:
        """Look for rings: begin to watch new ones, and end the watch of one that is gone for long."""
        now_s = time.monotonic()
        try:
            there, self._closed, self._trouble = list_rings(), unreadable(), ""
        except OSError as error:  # perhaps no descriptor is left; those that are watched go on
            self._trouble = describe(error)
            return
        for name in self._followers:
            if self._followers[name].is_over:
                self._end(name)
                break
            if name in there:
                if self._gone_s.pop(name, None) is not None:
                    self.events.append((name, found_event()))
            elif name not in self._gone_s:
                self._gone_s[name] = now_s
                self.events.append((name, lost_event()))
            elif now_s - self._gone_s[name] > GONE_S:
                self._end(name)
                break  # others end with the next calls
        new = [name for name in there if name not in self._followers]
        room = MOST_RINGS - len(self._followers)
        self._unwatched = len(new[room:])
        self._refused = {}
        for name in new[:room]:
            try:
                self._followers[name] = Follower(name)
                self._ended.pop(name, None)
            except ProducerNotRunning:  # it has gone since it was listed
                pass
            except (VideoShmError, RuntimeError) as error:
                self._refused[name] = explain(error) or describe(error)

    def _end(self, name: str) -> None:
        summary = self._followers.pop(name).end()
        gone = self._gone_s.pop(name, None) is not None
        self._latest.pop(name, None)
        if summary.error is not None:
            self._ended[name] = summary.error
            self.events.append((name, lost_event(summary.error)))
        self.summaries.append(replace(summary, state="gone") if gone and summary.error is None else summary)
        self.is_finding |= self.summaries[-1].is_finding

    def taken(self) -> list[Second]:
        """Return the seconds that have passed since the last call, in order of the rings' names."""
        found = []
        for name, follower in sorted(self._followers.items()):
            for second in follower.taken():
                told = replace(second, state="gone") if name in self._gone_s else second
                self._latest[name] = told
                found.append(told)
        return found

    def end(self) -> None:
        """End all watches."""
        for name in sorted(self._followers):
            self._end(name)

    def notes(self) -> list[str]:
        """Return notes about what is not watched, and why."""
        if self._trouble:
            return [self._trouble]
        told = list(self._refused.values())
        if self._closed:
            told.append(f"this user may not read {', '.join(self._closed)}: vshm check says what to do")
        return told + ([f"{counted(self._unwatched, 'more ring')}: name one to watch it"] if self._unwatched else [])

    def lines(self, screen: Screen) -> list[str]:
        """Return the lines to show: as many rings as the screen has room for, and the notes."""
        width, ended = screen.width(), [f"{name}: {reason}" for name, reason in sorted(self._ended.items())]
        notes = [cut(printable(note), width) for note in ended + self.notes()]
        rows = [_row(second) for _, second in sorted(self._latest.items())]
        room = max(screen.height() - len(notes) - 3, 1)  # title, table head, and the line with how many more there are
        more = [f"{len(rows) - room} more: enlarge the terminal"] if len(rows) > room else []
        title = f"{counted(len(rows), 'ring')} at {time.strftime('%H:%M:%S')}, latency P50 and P99; Ctrl-C ends it"
        table = table_lines(COLUMNS, rows[:room], width, NUMBERS, FIRST_TO_GO, ("RING",), _style) if rows else []
        return [cut(title, width), *table, *(cut(line, width) for line in more), *notes]


def _row(second: Second) -> list[str]:
    return [
        second.ring,
        second.state,
        f"{second.fps:.1f}",
        units.bits(second.bit_rate),
        units.DASH if second.key_interval is None else str(second.key_interval),
        units.seconds(second.latency_s.get(50)),
        units.seconds(second.latency_s.get(99)),
        str(second.missed_total),
        str(second.dropped_total),
    ]


def _style(column: str, cell: str) -> str:
    if column == "STATE":
        return COLOURS.get(cell, "yellow")
    if column in ("MISSED", "DROPPED"):
        return "yellow" if cell != "0" else ""
    return "bold" if column == "RING" else "yellow" if (column, cell) == ("FPS", "0.0") else ""


def _show(overview: Overview, arguments: Namespace, screen: Screen, log: WatchLog | None, over: End) -> None:
    begin, told = time.monotonic(), [""]
    ticks = 0
    while not arguments.seconds or time.monotonic() - begin < arguments.seconds:
        ticks = max(ticks + 1, int(time.monotonic() - begin))  # Ctrl-Z may have stopped it for hours
        over.wait(begin + ticks - time.monotonic())
        overview.look()
        seconds = overview.taken()
        if log is not None:
            for name, event in overview.events:
                log.note(name, event)
            for second in seconds:
                log.write(second)
        overview.events = []
        if screen.is_there:
            screen.show(overview.lines(screen))
        else:
            for second in seconds:
                print_json(second) if arguments.json else print(line_of(second), flush=True)
            tell(overview.summaries, arguments.json)
            overview.summaries = []
            told, before = overview.notes(), told
            for note in told:
                if note not in before:
                    complain(note)
        if over.is_set():
            return


def watch_all(arguments: Namespace) -> int:
    """Watch all rings. Returns an exit code as vshm watch of one ring, 3 if there is no ring at the start."""
    outlive_faults()
    overview, over = Overview(), End()
    overview.look()
    if overview.is_empty:
        notes = overview.notes()
        for note in notes or [none_found()]:
            complain(note)
        return Exit.FINDING if notes else Exit.NO_RING
    with ExitStack() as stack, heeding(over.set):
        stack.callback(overview.end)  # whatever happens, remove the published counters
        log = stack.enter_context(WatchLog(arguments.log)) if arguments.log else None
        _show(overview, arguments, stack.enter_context(Screen(not arguments.json)), log, over)
    tell(overview.summaries, arguments.json)
    return Exit.FINDING if overview.is_finding else Exit.HEALTHY
