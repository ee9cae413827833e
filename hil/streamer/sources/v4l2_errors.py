# SPDX-License-Identifier: Apache-2.0
"""What an error of a V4L2 device means: whether it may pass, and what is said of it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from .source import SourceError, Trouble
from .v4l2_abi import v4l2

STREAMON = "VIDIOC_STREAMON"
# What a device tells that is there, but used, waking up, or disturbed on its bus: it may do so the next time.
_PASSING = {
    errno.EAGAIN, errno.EBUSY, errno.EILSEQ, errno.EIO, errno.ENOBUFS, errno.ENOMEM, errno.ENOSPC, errno.EOVERFLOW,
    errno.EPIPE, errno.EPROTO, errno.EREMOTEIO, errno.ETIME, errno.ETIMEDOUT,
}  # fmt: skip
# What it tells where others use what it needs: itself, or its bus (uvcvideo's bandwidth).
IN_USE = {errno.EBUSY, errno.ENOSPC}
_CAUSES: dict[int, tuple[Trouble, str]] = {
    errno.ENODEV: ("unplugged", "it was unplugged"),
    errno.ENXIO: ("unplugged", "it was unplugged"),
    errno.ENOENT: ("unplugged", "it was unplugged"),
    errno.ESHUTDOWN: ("unplugged", "it was unplugged"),
    errno.EIO: ("fatal", "a fatal streaming error"),
    errno.EBUSY: ("failed", "another program uses it"),
    errno.ENOSPC: ("failed", "its bus has no bandwidth left: choose a smaller picture, a lower rate or another port"),
    errno.EACCES: ("failed", "permission denied; be root, or in the group video"),
    errno.EPERM: ("failed", "not permitted; a container needs the device given (docker run --device)"),
}


class StartError(OSError):
    """A step from opening the device to its first picture failed. step: name of the ioctl, or open."""

    def __init__(self, error: OSError, step: str) -> None:
        super().__init__(error.errno, error.strerror)
        self.step = step

    @property
    def may_pass(self) -> bool:
        """Whether the step may succeed later."""
        return self.step == STREAMON or self.errno in _PASSING

    def __str__(self) -> str:
        number = self.errno or 0
        return _CAUSES[number][1] if number in IN_USE else f"it does not start ({self.step}: {self.strerror})"


@contextmanager
def starting(step: str) -> Iterator[None]:
    """Turn an OSError into a StartError of that step."""
    try:
        yield
    except OSError as error:
        raise StartError(error, step) from None


@contextmanager
def told_as_source_error(what: str = "") -> Iterator[None]:
    """Turn OSError and v4l2py's exceptions into a SourceError that states the cause, with what in front of it."""
    what = f"{what}: " if what else ""
    try:
        yield
    except SourceError as error:
        raise SourceError(error.errno or 0, f"{what}{error.strerror}", error.kind) from None
    except OSError as error:
        number = error.errno or 0
        kind, cause = _CAUSES.get(number, ("failed", error.strerror or str(error)))
        if isinstance(error, StartError) and kind != "unplugged" and error.may_pass:
            kind, cause = "streamon", str(error)
        raise SourceError(number, f"{what}{cause}", kind) from None
    except (v4l2.V4L2Error, ValueError) as error:
        raise SourceError(0, f"{what}{error}") from None
