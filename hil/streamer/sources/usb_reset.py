# SPDX-License-Identifier: Apache-2.0
"""Resets a USB camera that has hung, as pulling its plug would, where nobody is there to do that."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from ..log import LOG
from .identity import text_of
from .source import SourceError

# linux/usbdevice_fs.h: _IO('U', 20). It unbinds the camera's drivers, resets it, and binds them again.
_RESET = ord("U") << 8 | 20
_NODES = Path("/dev/bus/usb")
IN_VAIN = 2  # times that a camera was started and gave nothing: others have a reason of their own for one
HUNG_S, MOST_S = 10.0, 600.0  # for at least that long; doubled with each reset that did not help
# Times that it failed at once, and for how long: disturbances pass by themselves, and so do refusals of some cameras.
REFUSALS, CONFUSED_S = 5, 60.0
_AT_ONCE_S = 1.0  # one that does not answer at all takes longer
_CONFUSED = {errno.EIO, errno.EILSEQ, errno.EPIPE, errno.EPROTO}


def reset_device(port: str) -> None:
    """Reset the USB device with that folder in sysfs. Raises OSError, whose filename is the node that it takes."""
    folder = Path(port)
    bus, number = text_of(folder / "busnum"), text_of(folder / "devnum")
    if not (bus.isdecimal() and number.isdecimal()):
        raise OSError(errno.ENODEV, "no USB device", port)
    node = str(_NODES / f"{int(bus):03}" / f"{int(number):03}")
    descriptor = os.open(node, os.O_WRONLY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _RESET, 0)
    except OSError as error:
        raise OSError(error.errno, error.strerror, node) from None
    finally:
        os.close(descriptor)


class _Series:
    """Openings that ended alike, one after the other. many, seconds: so many, in so long a time, are enough."""

    def __init__(self, many: int, seconds: float) -> None:
        self._many, self._seconds = many, seconds
        self.count, self._since_s = 0, 0.0

    def add(self, now_s: float) -> None:
        """Note one."""
        if self.count == 0:
            self._since_s = now_s
        self.count += 1

    def is_enough(self, now_s: float, times: float) -> bool:
        """Return whether there were enough. times: as much time as else."""
        return self.count >= self._many and now_s - self._since_s >= min(self._seconds * times, MOST_S)


class Rescue:
    """Says when a camera has hung: however often it was started, it gave nothing, or failed at once.

    reset: resets what is plugged in. resets: how often it was reset. clock: in seconds.
    """

    def __init__(
        self, reset: Callable[[str], None] = reset_device, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._reset, self._clock = reset, clock
        self._port = ""
        self._opened_s, self._has_failed = 0.0, False
        self._forget()
        self._is_told = False
        self.resets = 0

    def _forget(self) -> None:
        self._silent, self._refused = _Series(IN_VAIN, HUNG_S), _Series(REFUSALS, CONFUSED_S)
        self._times = 1.0  # as patient as at first

    def before_opening(self, port: str) -> None:
        """Note that the camera with that folder in sysfs is to be opened, and reset it if it has hung.

        port: empty for one that is on no USB, which nobody can reset.

        Raises SourceError if it was reset: it is there again a moment later, maybe under another number.
        """
        if not port:
            return
        now_s = self._opened_s = self._clock()
        if port != self._port:
            self._port = port
            self._forget()
        if not self._has_failed:
            self._refused = _Series(REFUSALS, CONFUSED_S)
        self._has_failed = False
        for series, what in (
            (self._silent, "it gave nothing each time that it was started"),
            (self._refused, "it failed each time that it was opened"),
        ):
            if series.is_enough(now_s, self._times):
                times = 2 * self._times
                self._forget()
                self._times = times
                if self._was_reset(port):
                    raise SourceError(0, f"{what}: it was reset", "streamon")
                break
        self._silent.add(now_s)

    def _was_reset(self, port: str) -> bool:
        try:
            self._reset(port)
        except OSError as error:
            if not self._is_told:
                self._is_told = True
                advice = f"only pulling its plug helps, unless this program may write to {error.filename}"
                LOG.warning("it seems to have hung, and can't be reset: %s; %s", error.strerror, advice)
            return False
        self.resets += 1
        return True

    def streams(self) -> None:
        """Note that it gives pictures."""
        self._forget()

    def failed(self, number: int) -> None:
        """Note that it could not be opened or started, with that errno.

        One that others use has not hung. One that does not answer at all would lose its driver by a reset, which does
        not come back by itself.
        """
        self._has_failed, self._silent = True, _Series(IN_VAIN, HUNG_S)
        if number in _CONFUSED and self._clock() - self._opened_s < _AT_ONCE_S:
            self._refused.add(self._opened_s)
        else:
            self._refused = _Series(REFUSALS, CONFUSED_S)
