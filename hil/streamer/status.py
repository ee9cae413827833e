# SPDX-License-Identifier: Apache-2.0
"""The status that camera-streamer shows while it runs and when it ends."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from vshm_ctypes.commandline.output import can_redraw, say
from vshm_ctypes.printable import printable

from .log import LOG

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from .open_lane import AnyLane
    from .sound.lane import SoundLane
    from .sources.source import Source


PLAIN_EVERY_S = 10.0  # on a terminal that can't redraw lines
NUMBERS = ("fps", "kbit/s", "frames", "dropped")


class _Row(NamedTuple):
    """What a ring got since the previous row. dropped: since the start."""

    ring: str
    fps: float
    bit_rate: float
    frames: int
    dropped: int


class Status:
    """Shows a line per ring, redrawn once a second on a terminal, and the counters at the end.

    A terminal that can't redraw gets plain lines now and then; elsewhere, as in a service's log, only the end is shown.
    """

    def __init__(self, lanes: Sequence[AnyLane | SoundLane], microphone: Source | None = None) -> None:
        self._lanes, self._microphone = lanes, microphone
        self._begin_s = self._last_s = time.monotonic()
        self._last_cpu_s = time.process_time()
        self._last = [(0, 0) for _ in lanes]  # frames and bytes
        self._is_terminal = sys.stderr.isatty()
        self._live: Live | None = _live() if can_redraw(sys.stderr) else None

    def tick(self) -> None:
        """Redraw the lines if they are due and stderr is a terminal."""
        now_s = time.monotonic()
        if not self._is_terminal or now_s - self._last_s < (PLAIN_EVERY_S if self._live is None else 1):
            return
        seconds, self._last_s = now_s - self._last_s, now_s
        cpu_s = time.process_time()
        load, self._last_cpu_s = (cpu_s - self._last_cpu_s) / seconds, cpu_s
        rows = [self._row(at, seconds) for at in range(len(self._lanes))]
        if self._live is None:
            for row in rows:
                say(f"{row.ring}: {row.fps:.1f} fps, {row.bit_rate / 1000:.0f} kbit/s, {row.dropped} dropped")
            return
        with suppress(OSError):  # the terminal is gone
            self._live.update(_table(rows, load), refresh=True)

    def _row(self, at: int, seconds: float) -> _Row:
        lane = self._lanes[at]
        now = (lane.books.written, lane.outlet.written_bytes)
        frames, size = (new - old for new, old in zip(now, self._last[at], strict=True))
        self._last[at] = now
        return _Row(printable(lane.channel.ring), frames / seconds, size * 8 / seconds, now[0], _dropped(lane))

    def stop(self) -> None:
        """Leave the lines as they are."""
        if self._live is not None:
            with suppress(OSError):
                self._live.stop()

    def end(self) -> None:
        """Print the sums."""
        seconds = max(time.monotonic() - self._begin_s, 1e-9)
        for lane in self._lanes:
            frames, bit_rate = lane.books.written, lane.outlet.written_bytes * 8 / seconds
            rates = f"{frames / seconds:.1f} fps, {bit_rate / 1000:.0f} kbit/s"
            told = f"{frames} frames in {seconds:.1f} s, {rates}, {_dropped(lane)} dropped"
            LOG.info("%s: %s", lane.channel.ring, told)

    def summary(self, camera: Mapping[str, int]) -> dict[str, Any]:
        """Return counters and the ring's cost for each lane, and the counters of camera and microphone."""
        seconds = time.monotonic() - self._begin_s
        channels, told = {}, {"seconds": seconds, "camera": dict(camera)}
        for lane in self._lanes:
            ring_time = lane.outlet.ring_time
            channels[lane.channel.ring] = dataclasses.asdict(lane.books) | {
                "in_flight": lane.books.in_flight,
                "imbalance": lane.books.imbalance(),
                "written_bytes": lane.outlet.written_bytes,
                "ring_bytes": lane.outlet.ring_bytes,
                "ring_cpu_share": ring_time.us_per_frame * lane.books.encoded / 1e6 / max(seconds, 1e-9),
                "ring_cpu_us_per_frame": ring_time.us_per_frame,
            }
        if self._microphone is not None:
            told["microphone"] = self._microphone.figures()
        return told | {"channels": channels}


def _dropped(lane: AnyLane | SoundLane) -> int:
    books = lane.books
    return books.encoder_dropped + books.source_error + books.refused + books.ring_dropped


def _live() -> Live:
    """Return a display that redraws its lines; what is written to stderr meanwhile appears above them."""
    from rich.console import Console
    from rich.live import Live

    live = Live(console=Console(stderr=True, highlight=False), auto_refresh=False, redirect_stdout=False)
    live.start()
    return live


def _table(rows: Sequence[_Row], load: float) -> Table:
    """Return the table. If the terminal is too narrow, names are cut but never numbers."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(f"CPU {load:.0%}", no_wrap=True, overflow="ellipsis", min_width=8)
    for name in NUMBERS:
        table.add_column(name, justify="right", no_wrap=True, min_width=8)
    for row in rows:
        figures = (f"{row.fps:.1f}", f"{row.bit_rate / 1000:.0f}", str(row.frames))
        dropped = Text(str(row.dropped), style="yellow" if row.dropped else "")
        table.add_row(Text(row.ring), *figures, dropped)
    return table
