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


class Rescue:
    """Says when a camera has hung: it was started again and again, and gave nothing. reset: resets what is plugged in.

    resets: how often it was reset. clock: in seconds.
    """

    def __init__(
        self, reset: Callable[[str], None] = reset_device, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._reset, self._clock = reset, clock
        self._port = ""
        self._in_vain, self._since_s, self._patience_s = 0, 0.0, HUNG_S
        self._is_told = False
        self.resets = 0

    def before_opening(self, port: str) -> None:
        """Note that the camera with that folder in sysfs is to be opened, and reset it if it has hung.

        port: empty for one that is on no USB, which nobody can reset.

        Raises SourceError if it was reset: it is there again a moment later, maybe under another number.
        """
        if not port:
            return
        now_s = self._clock()
        if port != self._port:
            self._port, self._patience_s, self._in_vain = port, HUNG_S, 0
        if self._in_vain == 0:
            self._since_s = now_s
        elif self._in_vain >= IN_VAIN and now_s - self._since_s >= self._patience_s:
            self._patience_s = min(2 * self._patience_s, MOST_S)
            self._in_vain, self._since_s = 0, now_s
            if self._was_reset(port):
                raise SourceError(0, "it gave nothing each time that it was started: it was reset", "streamon")
        self._in_vain += 1

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
        self._in_vain, self._patience_s = 0, HUNG_S

    def failed(self) -> None:
        """Note that it could not be opened or started: only silence counts.

        A camera that does not answer, either, would lose its driver by a reset, which does not come back by itself.
        """
        self._in_vain = 0
