# SPDX-License-Identifier: Apache-2.0
"""Writes a frame with its time of capture and flags, also by a library of version 1.0, which has no call for that."""

from __future__ import annotations

import errno
from ctypes import byref, c_uint32, c_void_p, get_errno, memmove, set_errno

from ._library import AtOnce, frame_call, keeps_others_out, library
from ._structs import Timing
from .frame import Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_RECOVERY_POINT = int(Flag.RECOVERY_POINT)  # whose complement has all other bits, also those of no flag
_reserve, _commit = frame_call("video_shm_producer_reserve"), frame_call("video_shm_producer_commit")


def write_by_slot(handle: Any, first: Any, size: int, meta: bytes, timing: bytes) -> int:
    """Copy a frame, of 1 to a slot's bytes, into a reserved slot: version 1.0 takes times only where one is published.

    Returns as video_shm_producer_write_timed, for which it stands in. Leaves out the flag that version 1.0 refuses.
    """
    slot, capacity = c_void_p(), c_uint32()
    if _reserve(handle, byref(slot), byref(capacity)) < 0:
        return 1 if get_errno() == errno.EBUSY else -1
    try:
        memmove(slot, first, size)
        known = Timing.from_buffer_copy(timing)
        known.flags &= ~_RECOVERY_POINT
        result = _commit(handle, size, meta, byref(known))
    except BaseException:
        library.video_shm_producer_abort(handle)
        raise
    if result < 0:
        reason = get_errno()
        library.video_shm_producer_abort(handle)
        set_errno(reason)
    return result


try:
    write_timed = frame_call("video_shm_producer_write_timed")
    write_timed_at_once = frame_call("video_shm_producer_write_timed", AtOnce)
    IS_ONE_CALL = keeps_others_out()  # and other threads are kept out of it
except AttributeError:
    write_timed = write_timed_at_once = write_by_slot
    IS_ONE_CALL = False
