# SPDX-License-Identifier: Apache-2.0
"""Sends SIGALRM to the main thread after some time: by the kernel's timer, or by a thread if a sandbox refuses it."""

from __future__ import annotations

import _thread
import signal
import threading
import time
from contextlib import suppress


class Alarm:
    """The alarm of the process. Signal handlers may set it, so neither it nor what it calls takes a lock."""

    def __init__(self) -> None:
        self._turn = 0

    def set(self, seconds: float) -> None:
        """Set the alarm, replacing an earlier one. If no thread can be started either, it never goes off."""
        self._turn += 1
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        except OSError:
            with suppress(RuntimeError):
                _thread.start_new_thread(self._wait, (seconds, self._turn))

    def cancel(self) -> None:
        """Cancel the alarm."""
        self._turn += 1
        with suppress(OSError):
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _wait(self, seconds: float, turn: int) -> None:
        time.sleep(seconds)
        main = threading.main_thread().ident
        if turn == self._turn and main is not None:
            signal.pthread_kill(main, signal.SIGALRM)
