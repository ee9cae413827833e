# SPDX-License-Identifier: Apache-2.0
"""The figures of a ring, and of one reader of it."""

from __future__ import annotations

import enum
from typing import NamedTuple, Self

from ._structs import Info


class State(enum.IntEnum):
    """Of a ring."""

    UNKNOWN = 0  # a version 1 producer: it can't be told whether it lives
    LIVE = 1
    CLOSED = 2
    DEAD = 3


class RingInfo(NamedTuple):
    """What is known of a ring. Fields marked * stay zero where a version 1 producer writes.

    Ring: version of the format (2: of another geometry); extended: whether our producer made it; media *; slots, of
    slot_size bytes of payload; object_bytes and inode, mode, uid and gid of the shared object.
    Producer: state; epoch *, up by one at every start; writer_pid *, as its own pid namespace has it, and
    writer_start *, in clock ticks since boot, as the machine's own time namespace has it; 0: none, or not known.
    Counters, over all epochs, or over all rings that a reader followed: frames, keyframes *, bytes * of payload;
    dropped by the producer, thereof dropped_busy *, dropped_too_large * and dropped_no_space *; remade *: times that
    the ring's name was gone; rearmed *: semaphores found taken by a process that had died.
    Times, ns: realtime_offset_ns *, CLOCK_REALTIME minus CLOCK_MONOTONIC; last_publish_ns *, CLOCK_MONOTONIC.
    Version 1 readers: v1_readers, as they counted themselves; v1_signals *: whether they are woken.
    This reader, in frames, since it joined; zero from inspect(): received, missed (overwritten before it could be
    read), skipped (by its own policy), and always received + missed + skipped == span; next_frame, the number of the
    one that it looks at next; reattached: times that it went over to another ring.
    """

    version: int
    extended: bool
    state: State
    media: int
    slots: int
    slot_size: int
    epoch: int
    object_bytes: int
    inode: int
    mode: int
    uid: int
    gid: int
    writer_pid: int
    writer_start: int
    frames: int
    keyframes: int
    bytes: int
    dropped: int
    dropped_busy: int
    dropped_too_large: int
    dropped_no_space: int
    remade: int
    rearmed: int
    realtime_offset_ns: int
    last_publish_ns: int
    v1_readers: int
    v1_signals: bool
    received: int
    missed: int
    skipped: int
    span: int
    next_frame: int
    reattached: int

    @classmethod
    def of(cls, info: Info) -> Self:
        """From the C struct."""
        values = {name: getattr(info, name) for name in cls._fields}
        values["state"] = State(info.state)
        values["extended"] = bool(info.extended)
        values["v1_signals"] = bool(info.v1_signals)
        return cls(**values)
