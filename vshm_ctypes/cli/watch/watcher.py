# SPDX-License-Identifier: Apache-2.0
"""Reads one ring and measures it, second by second and over the whole watch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from ...consumer import Consumer
from ...errors import VideoShmError
from ...frame import Described
from ...info import RingInfo, State
from ...latencies import Latencies
from ..events import Clocks, Event, clock_events, frame_events, ring_events
from .second import Second

PERCENTILES = (50, 90, 99)
GONE = ("dead", "closed", "gone")


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of a whole watch.

    Attributes:
        ring: name of the ring.
        state: state of the writer at the end; "unreadable" if error is set.
        seconds: duration of the watch.
        received: frames read.
        missed: frames overwritten before they could be read.
        restarts: restarts of the writer.
        latency_s: percentiles by percent; empty if not known.
        error: why the ring can't be read any more, or None.
    """

    ring: str
    state: str
    seconds: float
    received: int
    missed: int
    restarts: int
    latency_s: dict[int, float]
    error: str | None = None

    @property
    def is_finding(self) -> bool:
        """Whether frames were missed, the writer is gone, or the ring can't be read any more."""
        return bool(self.missed) or self.state in GONE or self.error is not None


class Watch:
    """Reads every frame without copying it, and sums up each second."""

    def __init__(self, stream: Consumer) -> None:
        self._stream = stream
        self._info = stream.info()
        self._latencies = Latencies()
        self._bytes = 0
        self._frames = 0
        self._last_key: tuple[int, int] | None = None
        self._key_interval: tuple[int, float] | None = None
        self._recovery_point = False
        self._at_frame = self._info  # the ring's figures at the last gap or discontinuity
        self._events: list[Event] = []
        self._clocks = Clocks.now()
        self._begin_s = time.monotonic()
        self._all_latencies = Latencies()
        self._all_frames = 0
        self._restarts = 0

    def note(self, frame: Described) -> None:
        now_ns = time.monotonic_ns()
        self._frames += 1
        self._bytes += frame.size
        if frame.missed_before or frame.discontinuity:
            before, self._at_frame = self._at_frame, self._stream.info()
            events = list(frame_events(frame, before, self._at_frame))
            self._restarts += sum(event.event == "restart" for event in events)
            self._events += events
        if frame.publish_ns:
            self._latencies.add(now_ns - frame.publish_ns)
        if frame.is_keyframe:
            key_ns = frame.publish_ns or now_ns
            if self._last_key is not None and not frame.discontinuity:
                number, then_ns = self._last_key
                self._key_interval = (frame.number - number, (key_ns - then_ns) / 1e9)
            self._last_key = (frame.number, key_ns)
            self._recovery_point = frame.is_recovery_point

    def sum_up(self, seconds: float) -> Second:
        """Return what came since the last call, which was so many seconds ago."""
        before, self._info = self._info, self._stream.info()
        clocks, self._clocks = self._clocks, Clocks.now()
        interval, interval_s = self._key_interval or (None, None)
        second = Second(
            ring=self._stream.ring,
            state=state_name(self._info),
            fps=self._frames / seconds,
            bit_rate=self._bytes * 8 / seconds,
            latency_s=_percentiles(self._latencies),
            key_interval=interval,
            key_interval_s=interval_s,
            recovery_point=self._recovery_point,
            missed=self._info.missed - before.missed,
            missed_total=self._info.missed,
            dropped_total=self._info.dropped,
            frames=self._info.frames,
            restarts=self._restarts,
            events=[*self._events, *ring_events(before, self._info), *clock_events(clocks, self._clocks)],
        )
        self._all_latencies.merge(self._latencies)
        self._all_frames += self._frames
        self._latencies, self._bytes, self._frames, self._events = Latencies(), 0, 0, []
        return second

    def seconds(self) -> Iterator[Second]:
        """Yield one second after the other, for ever."""
        begin = time.monotonic()
        while True:
            left = begin + 1 - time.monotonic()
            if left > 0:
                try:
                    frame = self._stream.borrow(timeout=left)
                except TimeoutError:
                    continue
                if frame.give_back():  # otherwise it counts as missed with the next frame
                    self.note(frame)
            else:
                now = time.monotonic()
                yield self.sum_up(now - begin)
                begin = now

    def summary(self) -> Summary:
        """Return the summary since the watch began, including the current part of a second."""
        self.sum_up(1.0)
        return self._summary(state_name(self._info), None)

    def ended_by(self, error: VideoShmError) -> Summary:
        """Return the summary up to the last whole second before the error."""
        return self._summary("unreadable", error.strerror)

    def _summary(self, state: str, error: str | None) -> Summary:
        return Summary(
            ring=self._stream.ring,
            state=state,
            seconds=time.monotonic() - self._begin_s,
            received=self._all_frames,
            missed=self._info.missed,
            restarts=self._restarts,
            latency_s=_percentiles(self._all_latencies),
            error=error,
        )


def _percentiles(latencies: Latencies) -> dict[int, float]:
    values = {percent: latencies.percentile_s(percent) for percent in PERCENTILES}
    return {percent: value for percent, value in values.items() if value is not None}


def state_name(info: RingInfo) -> str:
    """Return the writer's state in a word."""
    return "version 1" if not info.extended else State(info.state).name.lower()
