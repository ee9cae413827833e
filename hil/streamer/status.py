# SPDX-License-Identifier: Apache-2.0
"""What camera-streamer tells while it runs, and at its end."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Sequence
from typing import Any

from .lane import Lane


class Status:
    """A line on a terminal, once a second; the books at the end."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lanes = lanes
        self._begin_s = self._last_s = time.monotonic()
        self._last_cpu_s = time.process_time()
        self._last_written = [0] * len(lanes)
        self._shows = sys.stderr.isatty()

    def tick(self) -> None:
        """Once in a while: refresh the line, if a second is over and somebody looks."""
        now_s = time.monotonic()
        if not self._shows or now_s - self._last_s < 1:
            return
        seconds, self._last_s = now_s - self._last_s, now_s
        cpu_s = time.process_time()
        parts = []
        for at, lane in enumerate(self._lanes):
            books = lane.books
            rate = (books.written - self._last_written[at]) / seconds
            self._last_written[at] = books.written
            lost = books.encoder_dropped + books.source_error + books.refused + books.ring_dropped
            parts.append(f"{lane.channel.ring} {rate:.1f} fps, lost {lost}")
        load = (cpu_s - self._last_cpu_s) / seconds
        self._last_cpu_s = cpu_s
        print(f"\r{'; '.join(parts)}; CPU {load:.0%}\x1b[K", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line alone."""
        if self._shows:
            print(file=sys.stderr)

    def summary(self) -> dict[str, Any]:
        """Books, and what the ring cost, for each lane."""
        seconds = time.monotonic() - self._begin_s
        channels = {}
        for lane in self._lanes:
            ring_time = lane.outlet.ring_time
            channels[lane.channel.ring] = dataclasses.asdict(lane.books) | {
                "in_flight": lane.books.in_flight,
                "imbalance": lane.books.imbalance(),
                "ring_cpu_share": ring_time.share_of_core(seconds),
                "ring_cpu_us_per_frame": ring_time.cpu_ns / 1000 / max(ring_time.frames, 1),
            }
        return {"seconds": seconds, "channels": channels}
