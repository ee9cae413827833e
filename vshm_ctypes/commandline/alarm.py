# SPDX-License-Identifier: Apache-2.0
"""SIGALRM for the main thread after some time: by the kernel's timer, or where a sandbox refuses it by a thread."""

from __future__ import annotations

import _thread
import signal
import threading
import time
from contextlib import suppress


class Alarm:
    """One, as a process has. To be set from signal handlers too: so there is no lock in it, nor in what it calls."""

    def __init__(self) -> None:
        self._turn = 0

    def set(self, seconds: float) -> None:
        """In place of what was set before. Where there can't be a thread either, nothing comes."""
        self._turn += 1
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        except OSError:
            with suppress(RuntimeError):
                _thread.start_new_thread(self._wait, (seconds, self._turn))

    def cancel(self) -> None:
        """Nothing comes."""
        self._turn += 1
        with suppress(OSError):
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _wait(self, seconds: float, turn: int) -> None:
        time.sleep(seconds)
        main = threading.main_thread().ident
        if turn == self._turn and main is not None:
            signal.pthread_kill(main, signal.SIGALRM)
