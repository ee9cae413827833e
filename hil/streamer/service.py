# SPDX-License-Identifier: Apache-2.0
"""What systemd is told: ready, alive, stopping. Source: sd_notify(3)."""

from __future__ import annotations

import contextlib
import os
import socket
import time


class Service:
    """Speaks to the service manager where there is one, else to nobody."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        interval_us = int(os.environ.get("WATCHDOG_USEC", "0") or 0)
        mine = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._interval_s = interval_us / 2e6 if mine else 0.0
        self._next_s = 0.0
        self._ready = False

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(text.encode(), address)

    def frame_written(self) -> None:
        """The stream runs: the first time it is told as readiness."""
        if not self._ready:
            self._ready = True
            self._tell("READY=1\nSTATUS=streaming")

    def is_alive(self) -> None:
        """Once in a while, from the loop that everything hangs on."""
        if self._interval_s and time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + self._interval_s
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """The end was asked for."""
        self._tell("STOPPING=1")
