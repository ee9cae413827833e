# SPDX-License-Identifier: Apache-2.0
"""What camera-streamer tells while it runs, and at its end."""

from __future__ import annotations

import dataclasses
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from vshm_ctypes.cli.output import can_redraw, say

from .lane import Lane
from .sound.lane import SoundLane


class Status:
    """A line on a terminal that shows it anew, once a second; the books at the end."""

    def __init__(self, lanes: Sequence[Lane | SoundLane]) -> None:
        self._lanes = lanes
        self._begin_s = self._last_s = time.monotonic()
        self._last_cpu_s = time.process_time()
        self._last = [(0, 0) for _ in lanes]  # frames, bytes
        self._shows = can_redraw(sys.stderr)

    def tick(self) -> None:
        """Once in a while: refresh the line, if a second is over and somebody looks."""
        now_s = time.monotonic()
        if not self._shows or now_s - self._last_s < 1:
            return
        seconds, self._last_s = now_s - self._last_s, now_s
        parts = [self._part(at, seconds) for at in range(len(self._lanes))]
        cpu_s = time.process_time()
        load, self._last_cpu_s = (cpu_s - self._last_cpu_s) / seconds, cpu_s
        line = f"CPU {load:.0%} | {' | '.join(parts)}"
        width = shutil.get_terminal_size().columns - 1  # a line that wraps would not be overwritten
        say(f"\r{line[:width]}\x1b[K", end="")

    def _part(self, at: int, seconds: float) -> str:
        lane = self._lanes[at]
        books, now = lane.books, (lane.books.written, lane.outlet.written_bytes)
        frames, size = (new - old for new, old in zip(now, self._last[at], strict=True))
        self._last[at] = now
        dropped = books.encoder_dropped + books.source_error + books.refused + books.ring_dropped
        rate = f"{frames / seconds:.1f} fps, {size * 8 / seconds / 1000:.0f} kbit/s"
        return f"{lane.channel.ring} {rate}, {dropped} dropped"

    def end(self) -> None:
        """Leave the line alone."""
        if self._shows:
            say("")

    def summary(self, camera: Mapping[str, int]) -> dict[str, Any]:
        """Books, and what the ring cost, for each lane; and what camera and microphone counted."""
        seconds = time.monotonic() - self._begin_s
        channels, told = {}, {"seconds": seconds, "camera": dict(camera)}
        for lane in self._lanes:
            ring_time = lane.outlet.ring_time
            channels[lane.channel.ring] = dataclasses.asdict(lane.books) | {
                "in_flight": lane.books.in_flight,
                "imbalance": lane.books.imbalance(),
                "written_bytes": lane.outlet.written_bytes,
                "ring_bytes": lane.outlet.ring_bytes,
                "ring_cpu_share": ring_time.share_of_core(seconds),
                "ring_cpu_us_per_frame": ring_time.cpu_ns / 1000 / max(ring_time.frames, 1),
            }
            if isinstance(lane, SoundLane):
                told["microphone"] = lane.source.figures()
        return told | {"channels": channels}
