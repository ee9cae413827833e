# SPDX-License-Identifier: Apache-2.0
"""What happened while somebody watched: gaps, restarts, a board that slows down, each with its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..frame import Described
from ..info import RingInfo, State
from ..machine import Machine, Throttling

Kind = Literal["gap", "restart", "discontinuity", "state", "dropped", "throttling"]
KINDS: tuple[Kind, ...] = ("gap", "restart", "discontinuity", "state", "dropped", "throttling")


@dataclass(frozen=True, slots=True)
class Event:
    """One. time: Unix time, s. count: frames, of a gap or a drop."""

    time: float
    event: Kind
    text: str
    count: int = 0


def frame_events(frame: Described, before: RingInfo, now: RingInfo) -> Iterator[Event]:
    """What comes between a frame and the one before. before, now: the ring's figures at each."""
    if frame.missed_before:
        text = f"{frame.missed_before} frames missed before frame {frame.number}"
        yield Event(time.time(), "gap", text, frame.missed_before)
    if frame.discontinuity:
        known = ("inode", "epoch", "writer_pid", "writer_start")
        if any(getattr(before, name) != getattr(now, name) for name in known):
            yield Event(time.time(), "restart", f"writer {now.writer_pid} began with frame {frame.number}")
        else:
            yield Event(time.time(), "discontinuity", f"trouble at the source before frame {frame.number}")


def ring_events(before: RingInfo, now: RingInfo) -> Iterator[Event]:
    """What the figures of two looks at a ring tell."""
    if before.state != now.state and State.UNKNOWN not in (before.state, now.state):
        yield Event(time.time(), "state", f"the writer is {State(now.state).name.lower()}")
    if before.inode == now.inode and now.dropped > before.dropped:
        count = now.dropped - before.dropped
        yield Event(time.time(), "dropped", f"{count} frames dropped by the writer", count)


def board_events(before: Machine, now: Machine) -> Iterator[Event]:
    """What the board's firmware says, and did not say before; where it said nothing, nothing has begun or ended."""
    if before.throttling is not None and now.throttling is not None:
        flags = before.throttling ^ now.throttling
        for flag in Throttling:
            if flags & flag and flag.name and not flag.name.endswith("_OCCURRED"):
                text = flag.name.lower().replace("_", " ")
                yield Event(time.time(), "throttling", f"{text} {'begins' if now.throttling & flag else 'ends'}")
    elif {before.under_voltage, now.under_voltage} == {False, True}:
        yield Event(time.time(), "throttling", f"under voltage {'begins' if now.under_voltage else 'ends'}")
