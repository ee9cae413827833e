# SPDX-License-Identifier: Apache-2.0
"""Tells systemd when the service is ready, alive and stopping. Source: sd_notify(3)."""

from __future__ import annotations

import contextlib
import os
import time


class Service:
    """Notifies the service manager; without one, nothing is sent."""

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
        import socket  # which only a service needs

        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(text.encode(), address)

    def frame_written(self) -> None:
        """Report the first written frame as readiness."""
        if not self._ready:
            self._ready = True
            self._tell("READY=1\nSTATUS=streaming")

    def is_alive(self) -> None:
        """Feed the watchdog, at most once per interval. It is called from the main loop."""
        if self._interval_s and time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + self._interval_s
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Report that the service is stopping."""
        self._tell("STOPPING=1")
