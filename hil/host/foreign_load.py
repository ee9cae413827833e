# SPDX-License-Identifier: Apache-2.0
"""Measures how much of the processors other programs used, which makes figures noisier and sessions longer."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass

WORTH_A_WORD = 0.10  # of all processors


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor time in seconds: the clock, all processors together, and this process with all that it started."""

    clock_s: float
    busy_s: float
    own_s: float
    processors: int


def read_usage() -> Usage:
    """Return the usage until now."""
    import psutil  # help must work without the harness's dependencies

    all_of = psutil.cpu_times()
    busy = all_of.user + all_of.nice + all_of.system + all_of.irq + all_of.softirq
    return Usage(time.monotonic(), busy, _own_s(), os.cpu_count() or 1)


def _own_s() -> float:
    """Return the time of this process, its descendants, and those of them that were reaped."""
    import psutil

    own, used = psutil.Process(), 0.0
    for process in [own, *own.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system + times.children_user + times.children_system
    return used


def share(begin: Usage, end: Usage) -> float:
    """Return other programs' share of all processors between two usages, 0 to 1."""
    elapsed_s = max(end.clock_s - begin.clock_s, 1e-3) * end.processors
    return min(max(((end.busy_s - begin.busy_s) - (end.own_s - begin.own_s)) / elapsed_s, 0.0), 1.0)


def remark(others: float) -> list[str]:
    """Return a note for people, or an empty list if the share is small."""
    if others < WORTH_A_WORD:
        return []
    return [f"something else used {others:.0%} of the processors: a quiet host needs less time for an answer"]
