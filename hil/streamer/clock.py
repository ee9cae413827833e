# SPDX-License-Identifier: Apache-2.0
"""Measures the offset between the wall clock and the monotonic clock."""

from __future__ import annotations

import time
from collections.abc import Callable

_TRIES = 5
_CLOSE_NS = 50_000


def realtime_offset_ns(
    monotonic_ns: Callable[[], int] = time.monotonic_ns, realtime_ns: Callable[[], int] = time.time_ns
) -> int:
    """Return CLOCK_REALTIME minus CLOCK_MONOTONIC, in ns.

    The two clocks are read one after the other, and the thread may be preempted in between for many milliseconds, so
    the fastest of several readings is used.
    """
    best_width, best = None, 0
    for _ in range(_TRIES):
        before = monotonic_ns()
        wall = realtime_ns()
        width = monotonic_ns() - before
        if best_width is None or width < best_width:
            best_width, best = width, wall - before - width // 2
        if best_width <= _CLOSE_NS:
            break
    return best
