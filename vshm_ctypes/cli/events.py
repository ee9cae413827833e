# SPDX-License-Identifier: Apache-2.0
"""Events of a watch: gaps, restarts, throttling of the board, steps of the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

from ..frame import Described
from ..info import RingInfo, State
from ..machine import Machine, Throttling
from . import units

Kind = Literal["gap", "restart", "discontinuity", "state", "dropped", "throttling", "clock"]
KINDS: tuple[Kind, ...] = ("gap", "restart", "discontinuity", "state", "dropped", "throttling", "clock")


STEP_S = 0.5  # less may be a clock that is slewed, or a delay between reading two clocks


@dataclass(frozen=True, slots=True)
class Event:
    """An event.

    Attributes:
        time: Unix time in seconds; of a clock step, by the clock after it.
        event: its kind.
        text: what happened, for people.
        count: frames of a gap or a drop.
        monotonic: CLOCK_MONOTONIC in seconds; None if not known.
        step_s: by how many seconds the wall clock was set.
    """

    time: float
    event: Kind
    text: str
    count: int = 0
    monotonic: float | None = None
    step_s: float = 0.0


class Clocks(NamedTuple):
    """One moment by three clocks, in seconds: since 1970, and since boot without and with time in suspend."""

    wall: float
    monotonic: float
    boot: float

    @classmethod
    def now(cls) -> Self:
        """Read the clocks twice, and return the quicker reading, so that a stall does not look like a step."""
        found = []
        for _ in range(2):
            before = time.clock_gettime(time.CLOCK_MONOTONIC)
            clocks = cls(time.time(), before, time.clock_gettime(time.CLOCK_BOOTTIME))
            found.append((time.clock_gettime(time.CLOCK_MONOTONIC) - before, clocks))
        return min(found)[1]


def _event(event: Kind, text: str, count: int = 0, step_s: float = 0.0) -> Event:
    """Return an event of this moment."""
    return Event(time.time(), event, text, count, time.monotonic(), step_s)


def lost_event(error: str | None = None) -> Event:
    """Return the event of a ring that is gone, or that can't be read any more because of error."""
    return _event("state", "the ring is gone" if error is None else f"the ring can't be read any more: {error}")


def found_event() -> Event:
    """Return the event of a ring that was gone and is there again."""
    return _event("state", "the ring is there again")


def clock_events(before: Clocks, now: Clocks) -> Iterator[Event]:
    """Yield what happened between two readings of the clocks: a suspend, or a step of the wall clock."""
    slept_s = (now.boot - before.boot) - (now.monotonic - before.monotonic)
    if slept_s > STEP_S:
        yield _event("clock", f"the machine slept for {units.seconds(slept_s)}")
    step_s = (now.wall - before.wall) - (now.boot - before.boot)
    if abs(step_s) > STEP_S:
        way = "forward" if step_s > 0 else "back"
        yield _event("clock", f"the wall clock was set {way} by {units.seconds(abs(step_s))}", step_s=round(step_s, 3))


def frame_events(frame: Described, before: RingInfo, now: RingInfo) -> Iterator[Event]:
    """Yield what happened between two frames, given the ring's figures at each."""
    if frame.missed_before:
        text = f"{frame.missed_before} frames missed before frame {frame.number}"
        yield _event("gap", text, frame.missed_before)
    if frame.discontinuity:
        known = ("identity", "epoch", "writer_pid", "writer_start")
        if any(getattr(before, name) != getattr(now, name) for name in known):
            yield _event("restart", f"writer {now.writer_pid} began with frame {frame.number}")
        else:
            yield _event("discontinuity", f"trouble at the source before frame {frame.number}")


def ring_events(before: RingInfo, now: RingInfo) -> Iterator[Event]:
    """Yield what changed between two readings of a ring's figures."""
    if before.state != now.state and State.UNKNOWN not in (before.state, now.state):
        yield _event("state", f"the writer is {State(now.state).name.lower()}")
    if before.identity == now.identity and now.dropped > before.dropped:
        count = now.dropped - before.dropped
        yield _event("dropped", f"{count} frames dropped by the writer", count)


def board_events(before: Machine, now: Machine) -> Iterator[Event]:
    """Yield the throttling that began or ended between two readings; nothing if the board does not report it."""
    if before.throttling is not None and now.throttling is not None:
        flags = before.throttling ^ now.throttling
        for flag in Throttling:
            if flags & flag and flag.name and not flag.name.endswith("_OCCURRED"):
                text = flag.name.lower().replace("_", " ")
                yield _event("throttling", f"{text} {'begins' if now.throttling & flag else 'ends'}")
    elif {before.under_voltage, now.under_voltage} == {False, True}:
        yield _event("throttling", f"under voltage {'begins' if now.under_voltage else 'ends'}")
