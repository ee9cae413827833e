# SPDX-License-Identifier: Apache-2.0
"""Explains an errno of the library by the state of this machine: who holds a ring, which rings there are."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from .errors import IncompatibleRing, ProducerBusy, VideoShmError, error_for
from .inodes import has_no_inodes, no_inodes_told
from .printable import printable
from .rings import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .info import RingInfo

MOST_NAMES = 8  # of rings, in one message
_MIB = 1024 * 1024


def explained(
    error: VideoShmError,
    ring: str,
    *,
    rings: Callable[[], list[str]],
    look: Callable[[], RingInfo],
    asked: int = 0,
) -> VideoShmError:
    """Return an error of opening a ring again, with the ring's name and what is known about that ring.

    Args:
        error: the error as the library reported it.
        ring: name of the ring.
        rings: returns the names of the rings that exist.
        look: returns the figures of the ring; may raise VideoShmError.
        asked: bytes that the ring was to have, or the largest slot size that the reader accepts.
    """
    number = error.errno or 0
    if number == errno.ENOENT:
        return error_for(number, ring, lambda: _which_there_are(rings))
    if number == errno.EBUSY:
        pid, told = _who_has_it(ring, look)
        busy = ProducerBusy(number, ring, told)
        busy.pid = pid
        return busy
    if number == errno.EPROTO:
        return IncompatibleRing(number, ring, _why_not_read(ring, look, asked))
    if number == errno.EACCES:
        return error_for(number, ring, _who_may(ring))
    if number == errno.ENOSPC and asked:
        return error_for(number, ring, _what_room_there_is(asked))
    return error_for(number, ring)


def _which_there_are(rings: Callable[[], list[str]]) -> str:
    try:
        names = rings()
    except OSError as error:
        advice = "start its producer, such as camera-streamer"
        return f"no ring of that name: {advice}; which others there are can't be told: {error.strerror}"
    if not names:
        return "no ring of that name, nor any other: start its producer, such as camera-streamer"
    told = tell_names(names)
    return f"no ring of that name; there are: {told}; name one of them, or start its producer, such as camera-streamer"


def tell_names(names: list[str]) -> str:
    """Return the first of these names of rings, and how many more there are."""
    told = ", ".join(map(printable, names[:MOST_NAMES]))
    return told + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def _who_has_it(ring: str, look: Callable[[], RingInfo]) -> tuple[int | None, str]:
    """Return the pid here of the ring's producer, or None, and what is told of it."""
    from .processes import is_outside, tell_program, writer_here  # which take longer to load than all of this

    try:
        info = look()
    except VideoShmError as error:
        if error.errno == errno.EAGAIN:  # a version 1 ring that is only begun, whose names need no quotes
            return None, (
                f"another program has {DIRECTORY}{ring} open, and may be just making a ring of version 1 there: "
                f"see which (fuser -v {DIRECTORY}{ring}), stop it, or choose another channel"
            )
        info = None
    if info is None or not info.writer_pid:
        pid, who, there = None, ", whose pid can't be told,", ""
    elif (pid := writer_here(info)) is not None:
        contained = " in a container" if pid != info.writer_pid else ""
        who, there = f", {tell_program(pid)}{contained},", ""
    elif is_outside(info):
        who, there = f" in another container, or outside of any, where it is process {info.writer_pid},", " there"
    else:
        pid = info.writer_pid
        who, there = f", {pid} (out of sight here),", ""
    return pid, f"another producer{who} holds this ring: stop it{there}, or choose another channel"


def _why_not_read(ring: str, look: Callable[[], RingInfo], most: int) -> str:
    path = DIRECTORY + ring
    shown = printable(path)
    try:
        size = look().slot_size
    except VideoShmError:
        try:
            if os.path.islink(path):
                return f"{shown} is a link to {printable(os.readlink(path))}, and no link is followed: name that itself"
            size_told = f" ({os.stat(path).st_size} bytes)"
        except OSError:
            size_told = ""
        return f"{shown}{size_told} is no ring of this format: choose another name, or remove what is there"
    return f"its slots have {size} bytes, and this reader takes up to {most}: allow larger ones by max_slot_size"


def who_may_look() -> str:
    """Return what keeps this user from looking into the folder of rings."""
    return f"uid {os.geteuid()} may not look into {_whose(DIRECTORY)}: give that mode 1777, as a tmpfs has"


def _who_may(ring: str) -> str:
    path = DIRECTORY + ring
    if not os.access(DIRECTORY, os.X_OK):
        return who_may_look()
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
        whose = printable(path)
    return f"uid {os.geteuid()} may not open {whose}: join its group, or run as its producer's user"


def _whose(path: str) -> str:
    status = os.stat(path)
    return f"{printable(path)} (uid {status.st_uid}, gid {status.st_gid}, mode {stat.S_IMODE(status.st_mode):04o})"


def _what_room_there_is(asked: int) -> str:
    told = os.statvfs(DIRECTORY)
    free = told.f_bavail * told.f_frsize
    if free >= asked and has_no_inodes(DIRECTORY):
        return no_inodes_told()
    return (
        f"{DIRECTORY} is full: the ring needs {asked / _MIB:.1f} MiB, and {free / _MIB:.1f} MiB are free: "
        "free some of it, enlarge it, or use fewer or smaller slots"
    )
