# SPDX-License-Identifier: Apache-2.0
"""Measures how late the host wakes a sleeper beside a promise, since a library's waits can't be more exact."""

from __future__ import annotations

import mmap
import os
import signal
import struct
import time
from collections.abc import Callable
from typing import Self

from ...processes.parent import die_with_parent
from .scene import Scene, Unasked

TRIES, CALM = 6, 3
NAP_S = 0.002
GRACE_S = 0.02  # a timer's slack, and the time of a call on a slow board


class Stalls:
    """A process that sleeps repeatedly and records how late it woke. It is a context manager."""

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

    def judge(self, scene: Scene, what: str, once: Callable[[], float], limit_s: float, calm_s: float) -> None:
        """Expect that something takes at most limit_s seconds. once: does it, and returns how many seconds it took.

        It is kept if one try was in time, and broken if none was although the host woke others within calm_s in CALM of
        the tries; otherwise it can't be decided. Raises Unasked.
        """
        calm, worst = list[float](), 0.0
        for _ in range(TRIES):
            self.take()
            took = once()
            stall = self.take(0.0)
            if took <= limit_s:
                return
            worst = max(worst, stall)
            if stall <= calm_s:
                calm.append(took)
        if len(calm) < CALM:
            raise Unasked(f"the host wakes others up to {worst:.3f} s late, which hides what is looked for")
        scene.expect_in(what, min(calm), 0, limit_s)

    def take(self, grace_s: float = GRACE_S) -> float:
        """Return how many seconds a wait may be late: the longest stall since the last call, plus some grace."""
        (worst,) = struct.unpack_from("d", self._worst)
        struct.pack_into("d", self._worst, 0, 0.0)
        return float(worst) + grace_s

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
