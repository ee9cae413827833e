# SPDX-License-Identifier: Apache-2.0
"""vshm watch: one ring, live."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from ..consumer import Consumer, Interrupted
from ..frame import Described
from ..info import RingInfo, State
from . import units
from .ending import heeding
from .events import Clocks, Event, clock_events, frame_events, ring_events
from .latencies import Latencies
from .output import InPlace, is_terminal, print_json
from .second import Second
from .verb import Exit, Verb, add_ring_argument, positive
from .watch_log import WatchLog

HISTORY = 60  # seconds in a sparkline
PERCENTILES = (50, 90, 99)
GONE = ("dead", "closed")


class Watch:
    """Reads every frame, without a copy, and sums up second by second."""

    def __init__(self, stream: Consumer) -> None:
        self._stream = stream
        self._info = stream.info()
        self._latencies = Latencies()
        self._bytes = 0
        self._frames = 0
        self._last_key: tuple[int, int] | None = None
        self._key_interval: tuple[int, float] | None = None
        self._recovery_point = False
        self._at_frame = self._info  # the ring's figures when something last came between two frames
        self._events: list[Event] = []
        self._clocks = Clocks.now()
        self.all_latencies = Latencies()
        self.all_frames = 0
        self.restarts = 0

    def note(self, frame: Described) -> None:
        now_ns = time.monotonic_ns()
        self._frames += 1
        self._bytes += frame.size
        if frame.missed_before or frame.discontinuity:
            before, self._at_frame = self._at_frame, self._stream.info()
            events = list(frame_events(frame, before, self._at_frame))
            self.restarts += sum(event.event == "restart" for event in events)
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
        """What came since the last time, which is so many seconds ago."""
        before, self._info = self._info, self._stream.info()
        clocks, self._clocks = self._clocks, Clocks.now()
        percentiles = {percent: self._latencies.percentile_s(percent) for percent in PERCENTILES}
        interval, interval_s = self._key_interval or (None, None)
        second = Second(
            ring=self._stream.ring,
            state=state_name(self._info),
            fps=self._frames / seconds,
            bit_rate=self._bytes * 8 / seconds,
            latency_s={percent: value for percent, value in percentiles.items() if value is not None},
            key_interval=interval,
            key_interval_s=interval_s,
            recovery_point=self._recovery_point,
            missed=self._info.missed - before.missed,
            missed_total=self._info.missed,
            dropped_total=self._info.dropped,
            frames=self._info.frames,
            restarts=self.restarts,
            events=[*self._events, *ring_events(before, self._info), *clock_events(clocks, self._clocks)],
        )
        self.all_latencies.merge(self._latencies)
        self.all_frames += self._frames
        self._latencies, self._bytes, self._frames, self._events = Latencies(), 0, 0, []
        return second

    def seconds(self) -> Iterator[Second]:
        """One second after the other, for ever."""
        begin = time.monotonic()
        while True:
            left = begin + 1 - time.monotonic()
            if left > 0:
                try:
                    frame = self._stream.borrow(timeout=left)
                except TimeoutError:
                    continue
                if frame.give_back():  # else it is missed, and what was missed before it is told with the next one
                    self.note(frame)
            else:
                now = time.monotonic()
                yield self.sum_up(now - begin)
                begin = now

    @property
    def missed(self) -> int:
        """Frames missed since the watch began."""
        return self._info.missed


def state_name(info: RingInfo) -> str:
    """The writer's state in a word."""
    return "version 1" if not info.extended else State(info.state).name.lower()


def add_arguments(parser: ArgumentParser) -> None:
    add_ring_argument(parser)
    parser.add_argument("-t", "--seconds", type=positive, metavar="S", help="end after so long (default: Ctrl-C)")
    log = "write one JSON line a second, and one for each event, to FILE; what is full goes to FILE.1.gz and so on"
    parser.add_argument("--log", type=Path, metavar="FILE", help=log)


def _latency(values: dict[int, float]) -> str:
    return ", ".join(f"p{percent} {units.seconds(value)}" for percent, value in values.items()) or units.DASH


def _key(second: Second) -> str:
    return "recovery point" if second.recovery_point else "key"


def _line(second: Second) -> str:
    interval = units.DASH if second.key_interval is None else str(second.key_interval)
    return (
        f"{second.ring} {second.state}: {second.fps:.1f} fps, {units.bits(second.bit_rate)}, "
        f"latency {_latency(second.latency_s)}, {_key(second)} every {interval}, "
        f"missed {second.missed} ({second.missed_total})"
    )


def _block(second: Second, history: deque[Second]) -> list[str]:
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
    for percent in PERCENTILES:
        values = [past.latency_s.get(percent, 0.0) for past in history]
        now = units.seconds(second.latency_s.get(percent))
        lines.append(f"latency   p{percent:<3} {now:>8}  {units.sparkline(values)}")
    lines.append(f"fps                      {units.sparkline([past.fps for past in history])}")
    return lines


def _show(watch: Watch, arguments: Namespace, place: InPlace, log: WatchLog | None) -> None:
    history: deque[Second] = deque(maxlen=HISTORY)
    end = time.monotonic() + arguments.seconds if arguments.seconds else None
    for second in watch.seconds():
        history.append(second)
        if log is not None:
            log.write(second)
        if arguments.json:
            print_json(second)
        elif place.can_redraw:
            place.show(_block(second, history))
        else:
            print(_line(second), flush=True)
        if end is not None and time.monotonic() >= end:
            return


def run(arguments: Namespace) -> int:
    """Exit 0; 1: frames were missed, or the writer is gone at the end. Ctrl-C is how it ends."""
    begin = time.monotonic()
    with Consumer(arguments.ring, reconnect=True) as stream:
        watch = Watch(stream)
        try:
            with heeding(stream.interrupt), ExitStack() as stack:
                log = stack.enter_context(WatchLog(arguments.log)) if arguments.log else None
                _show(watch, arguments, InPlace(), log)
        except Interrupted:
            if is_terminal() and not arguments.json:
                print()
        watch.sum_up(1.0)  # what came since the last whole second
        percentiles = {percent: watch.all_latencies.percentile_s(percent) for percent in PERCENTILES}
        latency = {percent: value for percent, value in percentiles.items() if value is not None}
        seconds, state = time.monotonic() - begin, state_name(stream.info())
    summary = {
        "ring": stream.ring,
        "state": state,
        "seconds": seconds,
        "received": watch.all_frames,
        "missed": watch.missed,
        "restarts": watch.restarts,
        "latency_s": latency,
    }
    if arguments.json:
        print_json({"summary": summary})
    else:
        print(
            f"{stream.ring}: {watch.all_frames} frames in {units.seconds(seconds)}, {watch.missed} missed, "
            f"{watch.restarts} restarts, latency {_latency(latency)}; the writer is {state}"
        )
    return Exit.FINDING if watch.missed or state in GONE else Exit.HEALTHY


VERB = Verb("watch", "one ring, live: rate, latency, key interval, missed", add_arguments, run)
