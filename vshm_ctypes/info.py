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
    """What is known of a ring; video_shm_info_t in the header says what each field means, and its unit.

    received + missed + skipped == span, always; they are the reader's own, and zero from inspect().
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
