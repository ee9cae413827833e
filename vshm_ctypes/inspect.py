# SPDX-License-Identifier: Apache-2.0
"""A look at a ring that joins nothing and maps nothing."""

from __future__ import annotations

import errno
import os
from ctypes import byref, sizeof
from typing import NamedTuple

from ._library import library
from ._structs import Info, Meta, Slot
from .errors import VideoShmError
from .explained import explained
from .frame import Flag, FrameMeta
from .info import RingInfo
from .rings import DIRECTORY, Ring, ring_name

MAX_SLOTS = 4096


class SlotInfo(NamedTuple):
    """One slot that holds a whole frame.

    slot: its place in the ring. number: frame number; times: CLOCK_MONOTONIC, ns.
    """

    slot: int
    number: int
    capture_ns: int
    publish_ns: int
    flags: int
    meta: FrameMeta

    @property
    def is_keyframe(self) -> bool:
        """Whether decoding can start here."""
        return bool(self.flags & Flag.KEYFRAME)

    @property
    def is_recovery_point(self) -> bool:
        """Whether it is a keyframe that is no IDR picture, as far as its writer told."""
        return bool(self.flags & Flag.RECOVERY_POINT)


def frame_meta(meta: Meta) -> FrameMeta:
    """From the C struct."""
    key = bool(meta.is_keyframe)
    return FrameMeta(meta.timestamp_ms, meta.size, meta.sequence, key, meta.codec, meta.width, meta.height, meta.fps)


def inspect(ring: Ring = None) -> RingInfo:
    """The figures of a ring. Raises ProducerNotRunning, IncompatibleRing, or VideoShmError (EACCES)."""
    name = ring_name(ring)
    try:
        return _look(name)
    except VideoShmError as error:
        raise explain(error, name) from None


def _look(name: str) -> RingInfo:
    info = Info()
    library.video_shm_inspect(name.encode(), byref(info))
    return RingInfo.of(info)


def explain(error: VideoShmError, name: str, asked: int = 0) -> VideoShmError:
    """An error of the ring of that name, with who holds it, which others there are, and so on: see explained()."""
    return explained(
        error,
        name,
        rings=lambda: [*list_rings()],
        writer=lambda: _look(name).writer_pid,
        slot_size=lambda: _look(name).slot_size,
        asked=asked,
    )


def inspect_slots(ring: Ring = None) -> list[SlotInfo]:
    """The slots that hold a whole frame right now, by index. Raises as inspect()."""
    slots = (Slot * MAX_SLOTS)()
    slots[0].struct_size = sizeof(Slot)
    name = ring_name(ring)
    try:
        count = library.video_shm_inspect_slots(name.encode(), slots, MAX_SLOTS)
    except VideoShmError as error:
        raise explain(error, name) from None
    return [
        SlotInfo(index, slot.frame, slot.capture_ns, slot.publish_ns, slot.flags, frame_meta(slot.meta))
        for index, slot in enumerate(slots[:count])
        if slot.whole
    ]


def list_rings() -> dict[str, RingInfo]:
    """Every ring on this machine that may be read, by name; what is in /dev/shm and no ring is left out.

    Raises VideoShmError: there is no /dev/shm (ENOSYS), no descriptor or memory for a look.
    """
    found = {}
    try:
        names = sorted(os.listdir(DIRECTORY))
    except FileNotFoundError:
        raise VideoShmError(errno.ENOSYS, DIRECTORY) from None
    for name in names:
        try:
            found[f"/{name}"] = _look(ring_name(f"/{name}"))
        except (VideoShmError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
                raise
    return found
