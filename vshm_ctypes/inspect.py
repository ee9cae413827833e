# SPDX-License-Identifier: Apache-2.0
"""Looks at rings without joining or mapping them."""

from __future__ import annotations

import errno
import os
from ctypes import byref, sizeof

from ._library import library
from ._structs import Info, Meta, Slot
from .errors import UNSEEN, VideoShmError, error_for
from .explained import explained, who_may_look
from .frame import Flag, FrameMeta
from .info import RingInfo
from .rings import DIRECTORY, Ring, name_bytes, ring_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from ._named_tuple import NamedTuple

MAX_SLOTS = 4096


class SlotInfo(NamedTuple):
    """A slot that holds a whole frame.

    Attributes:
        slot: index of the slot in the ring.
        number: frame number.
        capture_ns: time of capture, ns of CLOCK_MONOTONIC.
        publish_ns: time of publication, ns of CLOCK_MONOTONIC.
        flags: bits of Flag.
        meta: metadata of the frame.
    """

    slot: int
    number: int
    capture_ns: int
    publish_ns: int
    flags: int
    meta: FrameMeta

    @property
    def is_keyframe(self) -> bool:
        """Whether decoding can start at this frame."""
        return bool(self.flags & Flag.KEYFRAME)

    @property
    def is_recovery_point(self) -> bool:
        """Whether this is a keyframe but not an IDR picture, as far as its writer says."""
        return bool(self.flags & Flag.RECOVERY_POINT)


def frame_meta(meta: Meta) -> FrameMeta:
    """Convert the C struct."""
    key = bool(meta.is_keyframe)
    return FrameMeta(
        meta.timestamp_ms,
        meta.size,
        meta.sequence,
        key,
        meta.codec,
        meta.width,
        meta.height,
        meta.fps,
        bytes(meta.reserved),
    )


def inspect(ring: Ring = None) -> RingInfo:
    """Return the figures of a ring. Raises ProducerNotRunning, IncompatibleRing, or VideoShmError (EACCES)."""
    name = ring_name(ring)
    refuse_leased(name)
    try:
        return _look(name)
    except VideoShmError as error:
        raise explain(error, name) from None


def _look(name: str) -> RingInfo:
    info = Info()
    library.video_shm_inspect(name_bytes(name), byref(info))
    return RingInfo.of(info)


def refuse_leased(name: str) -> None:
    """Raise ProducerNotRunning (EAGAIN) if somebody holds a lease on what bears this name, as no writer does."""
    from .leases import Leases, tell_holder  # none of which the import needs

    if pid := Leases().holder(DIRECTORY + name):
        advice = "end that program, or choose another name"
        raise error_for(errno.EAGAIN, name, lambda: f"{tell_holder(pid)}: {advice}")


def explain(error: VideoShmError, name: str, asked: int = 0) -> VideoShmError:
    """Return an error of the ring of that name with what this machine knows about it: see explained()."""
    return explained(
        error,
        name,
        rings=lambda: [*list_rings()],
        look=lambda: _look(name),
        asked=asked,
    )


def inspect_slots(ring: Ring = None) -> list[SlotInfo]:
    """Return the slots that hold a whole frame now, in order of their index. Raises as inspect()."""
    slots = (Slot * MAX_SLOTS)()
    slots[0].struct_size = sizeof(Slot)
    name = ring_name(ring)
    refuse_leased(name)
    try:
        count = library.video_shm_inspect_slots(name_bytes(name), slots, MAX_SLOTS)
    except VideoShmError as error:
        raise explain(error, name) from None
    return [
        SlotInfo(index, slot.frame, slot.capture_ns, slot.publish_ns, slot.flags, frame_meta(slot.meta))
        for index, slot in enumerate(slots[:count])
        if slot.whole
    ]


def list_rings() -> dict[str, RingInfo]:
    """Return every ring on this machine that may be read, by name; other objects in /dev/shm are left out.

    So is what somebody holds a lease on, which is not even opened.
    Raises VideoShmError if there is no /dev/shm (ENOSYS), if this user may not look into it (EACCES), or if it
    can't be read: no descriptor or memory is left to look with, or a disk fails (EIO).
    """
    from .leases import Leases

    found, leases = {}, Leases()
    try:
        names = sorted(os.listdir(DIRECTORY))
        os.stat(f"{DIRECTORY}/.")  # who may list a folder may still not look at what is in it
    except FileNotFoundError:
        raise VideoShmError(errno.ENOSYS, DIRECTORY) from None
    except PermissionError:
        raise error_for(errno.EACCES, DIRECTORY, who_may_look) from None
    except OSError as error:
        if error.errno not in UNSEEN:
            raise
        raise error_for(error.errno or 0, DIRECTORY) from None
    for name in names:
        try:
            if not leases.holder(f"{DIRECTORY}/{name}"):
                found[f"/{name}"] = _look(ring_name(f"/{name}"))
        except (VideoShmError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in UNSEEN:
                raise
    return found
