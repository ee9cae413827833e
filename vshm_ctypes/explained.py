# SPDX-License-Identifier: Apache-2.0
"""Explains an errno of the library by the state of this machine: who holds a ring, which rings there are."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from .errors import IncompatibleRing, ProducerBusy, VideoShmError, error_for
from .inodes import has_no_inodes, no_inodes_told
from .rings import DIRECTORY

MOST_NAMES = 8  # of rings, in one message
_MIB = 1024 * 1024


def explained(
    error: VideoShmError,
    ring: str,
    *,
    rings: Callable[[], list[str]],
    writer: Callable[[], int],
    slot_size: Callable[[], int],
    asked: int = 0,
) -> VideoShmError:
    """Return an error of opening a ring again, with the ring's name and what is known about that ring.

    Args:
        error: the error as the library reported it.
        ring: name of the ring.
        rings: returns the names of the rings that exist.
        writer: returns the pid of the ring's producer, or 0 if it is not known; may raise VideoShmError.
        slot_size: returns the size of the ring's slots in bytes; may raise VideoShmError.
        asked: bytes that the ring was to have, or the largest slot size that the reader accepts.
    """
    number = error.errno or 0
    if number == errno.ENOENT:
        return error_for(number, ring, lambda: _which_there_are(rings))
    if number == errno.EBUSY:
        try:
            pid = writer()
        except VideoShmError:
            pid = 0
        busy = ProducerBusy(number, ring, _who_has_it(pid))
        busy.pid = pid or None
        return busy
    if number == errno.EPROTO:
        return IncompatibleRing(number, ring, _why_not_read(ring, slot_size, asked))
    if number == errno.EACCES:
        return error_for(number, ring, _who_may(ring))
    if number == errno.ENOSPC and asked:
        return error_for(number, ring, _what_room_there_is(asked))
    return error_for(number, ring)


def _which_there_are(rings: Callable[[], list[str]]) -> str:
    try:
        names = rings()
    except VideoShmError:
        names = []
    if not names:
        return "no ring of that name, nor any other: start its producer, such as camera-streamer"
    told = ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")
    return f"no ring of that name; there are: {told}; name one of them, or start its producer, such as camera-streamer"


def _who_has_it(pid: int) -> str:
    from .processes import tell_program  # which takes longer to load than all of this

    who = f"another producer, {tell_program(pid)}," if pid else "another producer, whose pid can't be told,"
    return f"{who} holds this ring: stop it, or choose another channel"


def _why_not_read(ring: str, slot_size: Callable[[], int], most: int) -> str:
    path = DIRECTORY + ring
    try:
        size = slot_size()
    except VideoShmError:
        try:
            size_told = f" ({os.stat(path).st_size} bytes)"
        except OSError:
            size_told = ""
        return f"{path}{size_told} is no ring of this format: choose another name, or remove what is there"
    return f"its slots have {size} bytes, and this reader takes up to {most}: allow larger ones by max_slot_size"


def _who_may(ring: str) -> str:
    path = DIRECTORY + ring
    if not os.path.lexists(path):
        return (
            f"uid {os.geteuid()} may make no ring in {_whose(DIRECTORY)}: give that mode 1777, as a tmpfs has, or "
            "write as its user"
        )
    try:
        whose = _whose(path)
        if os.access(path, os.R_OK | os.W_OK):  # what an earlier writer left in a folder with the sticky bit
            return (
                f"{whose} was left by a producer of another user, and only that user or root may replace it: write as "
                "that user, or remove it (vshm check --clean, as that user or root)"
            )
    except OSError:
        whose = path
    return f"uid {os.geteuid()} may not open {whose}: join its group, or run as its producer's user"


def _whose(path: str) -> str:
    status = os.stat(path)
    return f"{path} (uid {status.st_uid}, gid {status.st_gid}, mode {stat.S_IMODE(status.st_mode):04o})"


def _what_room_there_is(asked: int) -> str:
    told = os.statvfs(DIRECTORY)
    free = told.f_bavail * told.f_frsize
    if free >= asked and has_no_inodes(DIRECTORY):
        return no_inodes_told()
    return (
        f"{DIRECTORY} is full: the ring needs {asked / _MIB:.1f} MiB, and {free / _MIB:.1f} MiB are free: "
        "free some of it, enlarge it, or use fewer or smaller slots"
    )
