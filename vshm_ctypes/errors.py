# SPDX-License-Identifier: Apache-2.0
"""The exceptions of this package: each is an OSError with the library's errno, and says what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from .rings import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FORBIDDEN = "a sandbox (seccomp) forbids what a writer needs: let it pass F_OFD_SETLK, O_TMPFILE and fallocate"
# For an errno that has no class of its own, or a second meaning beside that of its class.
_ADVICE = {
    errno.EAGAIN: "a version 1 producer is still making it: try again in a moment; if it has died, start it again",
    errno.EACCES: "this user may not open it: join its group (ls -l /dev/shm shows it), or run as its producer's user",
    errno.EDQUOT: "this user's quota of /dev/shm is used up: free some of it, or use fewer or smaller slots",
    errno.EFBIG: "this process may make no file so large: raise ulimit -f, or use fewer or smaller slots",
    errno.EIO: "its memory fails: the disk that /dev/shm lies on, or is swapped to, has errors, as dmesg tells",
    errno.EMFILE: "this process has too many files open: close some, or raise ulimit -n",
    errno.ENFILE: "this machine has too many files open: end some programs, or raise fs.file-max",
    errno.EROFS: "/dev/shm is read-only here: mount it to be written, or write where it is",
    errno.EPERM: _FORBIDDEN,
    errno.EOPNOTSUPP: "the file system at /dev/shm has no files without a name (O_TMPFILE), which a writer needs: "
    "mount a tmpfs at /dev/shm, or run on a newer kernel",
    errno.ENOMEM: "no memory for the ring: free some, raise ulimit -v (and -l, if the program locks its memory by "
    "mlockall()), or use fewer or smaller slots",
}

LIMITS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)  # of this process, or of the machine, perhaps for a while
UNSEEN = (*LIMITS, errno.EIO)  # which say nothing of what is there
_STRERROR: Any = vars(OSError)["strerror"]


def _lacking() -> str:
    """Return what ENOSYS means on this host."""
    if not os.access(DIRECTORY, os.F_OK):
        return f"there is no {DIRECTORY} on this host, where rings are: mount a tmpfs at {DIRECTORY}"
    if not os.access("/proc/self", os.F_OK):
        return "/proc is not there on this host, without which no ring can be written: mount proc at /proc"
    return _FORBIDDEN


class VideoShmError(OSError):
    """A failure of the library. ``errno`` says which one, and ``ring`` names the ring, or is None.

    message replaces the usual text for that errno. A function is called only when the text is read, so that a program
    that waits for a ring in a loop does not pay for a text that nobody sees.
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
        """What happened, and what to do about it."""
        tell, self._tell = self._tell, None
        if tell is not None:
            _STRERROR.__set__(self, tell())
        return str(_STRERROR.__get__(self))

    def __str__(self) -> str:
        _ = self.strerror  # computes the text, which OSError reads from its own field
        return super().__str__()

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.errno, self.ring, self.strerror), {**self.__dict__}


class ProducerNotRunning(VideoShmError):
    """There is no ring of that name (ENOENT), or it is still being made, or somebody holds a lease on it (EAGAIN)."""

    advice = "no ring of that name: start its producer, such as camera-streamer"


class ProducerBusy(VideoShmError):
    """Another live producer holds the ring, or a slot is reserved (EBUSY).

    ``pid`` is that producer's in this program's pid namespace. It is None if it has none there, as that of a producer
    in another container, or if it can't be told.
    """

    advice = "another producer holds this ring: stop it, or choose another channel"
    pid: int | None = None


class ProducerClosed(VideoShmError):
    """The producer closed the ring, or another ring replaced it (EPIPE)."""

    advice = "the producer closed the ring: open the consumer anew, or with reconnect=True"


class ProducerDied(VideoShmError):
    """The producer died without closing the ring (EOWNERDEAD). Reading on waits for the next producer."""

    advice = "the producer died: reading on waits for the next one"


class RingTaken(VideoShmError):
    """The name of this producer's ring now belongs to somebody else's ring (ESTALE)."""

    advice = "the ring's name now leads to somebody else's ring: close this producer"


class FrameTooLarge(VideoShmError):
    """The frame is larger than a slot, or than the given buffer (EMSGSIZE)."""

    advice = "the frame is larger than a slot: raise slot_size, or lower the bitrate"


class FrameOverwritten(VideoShmError):
    """The producer overwrote the frame while this reader used it, so the data may be torn (ESTALE)."""

    advice = "overwritten while it was read: be quicker, copy first, or use a ring with more slots"


class IncompatibleRing(VideoShmError):
    """The object is not a ring, or not one that this reader can read (EPROTO)."""

    advice = (
        "not a ring of this format, or its slots are larger than max_slot_size: "
        "choose another name, allow larger slots, or remove what is there"
    )


class BrokenPicture(VideoShmError):
    """A raw picture's size is not that of its format, sides and rows (EBADMSG)."""

    advice = "the raw picture has another size than its metadata says: its writer is wrong"


class RingFull(VideoShmError):
    """/dev/shm has no room (ENOSPC), the user's quota is used up (EDQUOT), or no file may be so large (EFBIG)."""

    advice = "/dev/shm is full: free some of it, enlarge it, or use fewer or smaller slots"


class HandleClosed(VideoShmError):
    """The Consumer or Producer is closed (EBADF)."""

    advice = "it is closed: open a new one"


class Interrupted(VideoShmError):
    """interrupt() ended the wait (EINTR)."""

    advice = "interrupt() was called"


class LibraryError(VideoShmError):
    """libvideo_shm can't be used: it is missing, has another ABI, or is too old for the call (ENOSYS)."""


BY_ERRNO: dict[int, type[VideoShmError]] = {
    errno.ENOENT: ProducerNotRunning,
    errno.EAGAIN: ProducerNotRunning,
    errno.EBUSY: ProducerBusy,
    errno.EPIPE: ProducerClosed,
    errno.EOWNERDEAD: ProducerDied,
    errno.ESTALE: RingTaken,
    errno.EMSGSIZE: FrameTooLarge,
    errno.EPROTO: IncompatibleRing,
    errno.EBADMSG: BrokenPicture,
    errno.ENOSPC: RingFull,
    errno.EDQUOT: RingFull,
    errno.EFBIG: RingFull,
    errno.EBADF: HandleClosed,
}


def error_for(error: int, ring: str | None = None, message: str | Callable[[], str] | None = None) -> VideoShmError:
    """Return the exception for an errno of the library. message replaces its usual text."""
    return BY_ERRNO.get(error, VideoShmError)(error, ring, message)
