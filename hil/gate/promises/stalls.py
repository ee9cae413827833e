# SPDX-License-Identifier: Apache-2.0
"""How late the host wakes whoever sleeps beside a promise: nothing else can be asked of a library's waits."""

from __future__ import annotations

import mmap
import os
import signal
import struct
import time
from typing import Self

from ..stage import die_with_parent

NAP_S = 0.002
GRACE_S = 0.02  # a timer's slack, and what a call takes on a slow board


class Stalls:
    """A process that naps, and keeps how much later it woke; a context manager."""

    def __init__(self) -> None:
        self._worst = mmap.mmap(-1, mmap.PAGESIZE)

    def __enter__(self) -> Self:
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                die_with_parent(parent)
                self._nap()
            finally:
                os._exit(1)
        return self

    def _nap(self) -> None:
        while True:
            begin = time.monotonic()
            time.sleep(NAP_S)
            late = time.monotonic() - begin - NAP_S
            if late > struct.unpack_from("d", self._worst)[0]:
                struct.pack_into("d", self._worst, 0, late)

    def take(self, grace_s: float = GRACE_S) -> float:
        """Seconds that a wait may be late: the longest stall since the last time, and some grace."""
        (worst,) = struct.unpack_from("d", self._worst)
        struct.pack_into("d", self._worst, 0, 0.0)
        return float(worst) + grace_s

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
