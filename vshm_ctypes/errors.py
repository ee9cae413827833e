# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, as exceptions: each an OSError with the library's errno, each saying what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

from .rings import DIRECTORY

_FORBIDDEN = "a sandbox (seccomp) forbids what a writer needs: let it pass F_OFD_SETLK, O_TMPFILE and fallocate"
# For what has no class of its own, and for the second meaning of what has one.
_ADVICE = {
    errno.EAGAIN: "its producer is just making it: try again in a moment",
    errno.EACCES: "this user may not open it: join its group (ls -l /dev/shm shows it), or run as its producer's user",
    errno.EDQUOT: "this user's quota of /dev/shm is used up: free some of it, or use fewer or smaller slots",
    errno.EFBIG: "this process may make no file so large: raise ulimit -f, or use fewer or smaller slots",
    errno.EMFILE: "this process has too many files open: close some, or raise ulimit -n",
    errno.ENFILE: "this machine has too many files open: end some programs, or raise fs.file-max",
    errno.EROFS: "/dev/shm is read-only here: mount it to be written, or write where it is",
    errno.EPERM: _FORBIDDEN,
    errno.ENOMEM: "no memory for the ring: free some, or use fewer or smaller slots",
}

_STRERROR: Any = vars(OSError)["strerror"]


def _lacking() -> str:
    """What ENOSYS means on this host."""
    if not os.access(DIRECTORY, os.F_OK):
        return f"there is no {DIRECTORY} on this host, where rings are: mount a tmpfs at {DIRECTORY}"
    if not os.access("/proc/self", os.F_OK):
        return "/proc is not there on this host, without which no ring can be written: mount proc at /proc"
    return _FORBIDDEN


class VideoShmError(OSError):
    """Any failure of the library; ``errno`` says which, ``ring`` names the ring.

    message: what to say instead of what is known of such an errno. A function is asked when somebody reads it: who
    waits for a ring in a loop pays nothing for what is not shown.
    """

    advice = ""

    def __init__(self, error: int, ring: str | None = None, message: str | Callable[[], str] | None = None) -> None:
        self._tell = message if callable(message) else None
        told = message if isinstance(message, str) else None
        lacking = _lacking() if error == errno.ENOSYS else None
        text = told or lacking or _ADVICE.get(error) or self.advice or os.strerror(error)
        super().__init__(error, text, ring)
        self.ring = ring

    @property
    def strerror(self) -> str:  # type: ignore[override]
        """What happened, and what to do."""
        tell, self._tell = self._tell, None
        if tell is not None:
            _STRERROR.__set__(self, tell())
        return str(_STRERROR.__get__(self))

    def __str__(self) -> str:
        _ = self.strerror  # which it reads past this class
        return super().__str__()

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.errno, self.ring, self.strerror), {**self.__dict__}


class ProducerNotRunning(VideoShmError):
    """There is no ring of that name (ENOENT), or it is just being made (EAGAIN)."""

    advice = "no ring of that name: start its producer, such as camera-streamer"


class ProducerBusy(VideoShmError):
    """Another live producer holds the ring, or a reservation is out (EBUSY); ``pid`` is the other one's, or None."""

    advice = "another producer holds this ring: stop it, or choose another channel"
    pid: int | None = None


class ProducerClosed(VideoShmError):
    """The producer closed the ring, or it was replaced (EPIPE)."""

    advice = "the producer closed the ring: open the consumer anew, or with reconnect=True"


class ProducerDied(VideoShmError):
    """The producer died without closing the ring (EOWNERDEAD); reading on waits for the next one."""

    advice = "the producer died: reading on waits for the next one"


class RingTaken(VideoShmError):
    """The producer's ring lost its name to somebody else's ring (ESTALE)."""

    advice = "the ring's name now leads to somebody else's ring: close this producer"


class FrameTooLarge(VideoShmError):
    """The frame is larger than a slot, or than the buffer given (EMSGSIZE)."""

    advice = "the frame is larger than a slot: raise slot_size, or lower the bitrate"


class FrameOverwritten(VideoShmError):
    """The producer lapped this reader while it looked at the frame: what it saw may be torn (ESTALE)."""

    advice = "overwritten while it was read: be quicker, copy first, or use a ring with more slots"


class IncompatibleRing(VideoShmError):
    """What is there is no ring, or not one that can be read here (EPROTO)."""

    advice = (
        "not a ring of this format, or its slots are larger than max_slot_size: "
        "choose another name, allow larger slots, or remove what is there"
    )


class RingFull(VideoShmError):
    """/dev/shm has no room for the ring (ENOSPC), none for this user (EDQUOT), or for files so large (EFBIG)."""

    advice = "/dev/shm is full: free some of it, enlarge it, or use fewer or smaller slots"


class HandleClosed(VideoShmError):
    """The Consumer or Producer was closed (EBADF)."""

    advice = "it is closed: open a new one"


class Interrupted(VideoShmError):
    """interrupt() ended the wait (EINTR)."""

    advice = "interrupt() was called"


class LibraryError(VideoShmError):
    """libvideo_shm can't be used: not found, another ABI, or too old for the call (ENOSYS)."""


BY_ERRNO: dict[int, type[VideoShmError]] = {
    errno.ENOENT: ProducerNotRunning,
    errno.EAGAIN: ProducerNotRunning,
    errno.EBUSY: ProducerBusy,
    errno.EPIPE: ProducerClosed,
    errno.EOWNERDEAD: ProducerDied,
    errno.ESTALE: RingTaken,
    errno.EMSGSIZE: FrameTooLarge,
    errno.EPROTO: IncompatibleRing,
    errno.ENOSPC: RingFull,
    errno.EDQUOT: RingFull,
    errno.EFBIG: RingFull,
    errno.EBADF: HandleClosed,
}


def error_for(error: int, ring: str | None = None, message: str | Callable[[], str] | None = None) -> VideoShmError:
    """The exception that belongs to an errno of the library. message: more than its class knows to say."""
    return BY_ERRNO.get(error, VideoShmError)(error, ring, message)
