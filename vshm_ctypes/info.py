# SPDX-License-Identifier: Apache-2.0
"""The figures of a ring, and of one of its readers."""

from __future__ import annotations

import enum
import os

from ._structs import Info
from .identity import Identity
from .rings import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, Self
else:
    from ._named_tuple import NamedTuple


class State(enum.IntEnum):
    """The state of a ring's producer."""

    UNKNOWN = 0  # a version 1 producer: whether it lives can't be told
    LIVE = 1
    CLOSED = 2
    DEAD = 3


class RingInfo(NamedTuple):
    """The figures of a ring, and of the reader that asks; inspect() leaves those of the reader zero.

    Fields marked * are zero for a version 1 producer. Counters run over all epochs, or over all rings that the reader
    has followed. Always received + missed + skipped == span.

    Attributes:
        version: version of the format; 2 for a ring of another geometry.
        extended: whether the ring has the extension, which every producer of this library writes.
        state: state of the producer.
        media: kind of stream, a Media. *
        slots: number of slots.
        slot_size: bytes of payload that fit into a slot.
        epoch: raised by one at every start of a producer. *
        object_bytes: size of the shared memory object in bytes.
        inode: its inode.
        mode: its permission bits.
        uid: its owner.
        gid: its group.
        writer_pid: pid of the producer in its own pid namespace; 0 if there is none. *
        writer_start: start of the producer, clock ticks since boot in the initial time namespace; 0 if not known. *
        frames: frames written.
        keyframes: keyframes written. *
        bytes: bytes of payload written. *
        dropped: frames that the producer dropped.
        dropped_busy: of these, because the ring was busy. *
        dropped_too_large: of these, because they did not fit into a slot. *
        dropped_no_space: of these, because /dev/shm was full. *
        remade: how often the producer made the ring anew because its name was removed. *
        rearmed: how often a semaphore was released because the process that held it had died. *
        realtime_offset_ns: CLOCK_REALTIME minus CLOCK_MONOTONIC, ns. *
        last_publish_ns: when the newest frame was published, ns of CLOCK_MONOTONIC. *
        v1_readers: version 1 readers, as they count themselves.
        v1_signals: whether version 1 readers are woken. *
        received: frames that this reader has read.
        missed: frames that were overwritten before this reader could read them.
        skipped: frames that this reader passed over by its own policy.
        span: frames since this reader joined.
        next_frame: number of the frame that this reader will look at next.
        reattached: how often this reader has changed to another ring.
        device: device of the shared memory object's inode; 0 from a library before 1.1.
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
    device: int

    @property
    def identity(self) -> Identity:
        """Of the shared object. Where the library does not tell the device, it is that of /dev/shm."""
        device = self.device
        if not device:
            try:
                device = os.stat(DIRECTORY).st_dev
            except OSError:
                device = 0
        return Identity(device, self.inode)

    @classmethod
    def of(cls, info: Info) -> Self:
        """Convert the C struct."""
        values = {name: getattr(info, name) for name in cls._fields}
        values["state"] = State(info.state)
        values["extended"] = bool(info.extended)
        values["v1_signals"] = bool(info.v1_signals)
        return cls(**values)
