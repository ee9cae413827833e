# SPDX-License-Identifier: Apache-2.0
"""The process of the hiccup control. A line on standard input asks for what was seen; the end of input ends it.

The threads keep what they saw to themselves until they are asked, so that none waits for another.
"""

from __future__ import annotations

import gc
import heapq
import json
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path

from ..figures.latency import LatencyHistogram
from .hiccup import STALL_FLOOR_NS, STALLS_KEPT

SLEEP_NS = 1_000_000


class Seen:
    """What one thread saw since it was last asked."""

    def __init__(self) -> None:
        self.histogram = LatencyHistogram()
        self.longest: list[tuple[int, int, int]] = []  # a heap of (stall_ns, at_ns, cpu), the shortest first

    def record(self, at_ns: int, late_ns: int, cpu: int) -> None:
        """Record a wake-up that was late_ns late."""
        self.histogram.record(late_ns)
        if late_ns < STALL_FLOOR_NS:
            return
        if len(self.longest) < STALLS_KEPT:
            heapq.heappush(self.longest, (late_ns, at_ns, cpu))
        else:
            heapq.heappushpop(self.longest, (late_ns, at_ns, cpu))


class Sleeper(threading.Thread):
    """Sleeps on one processor, and records how late it woke."""

    def __init__(self, cpu: int, wants_realtime: bool) -> None:
        super().__init__(name=f"sleeper {cpu}", daemon=True)
        self.realtime = False
        self.started = threading.Event()
        self._cpu, self._wants_realtime = cpu, wants_realtime
        self._asked = False
        self._answers: queue.SimpleQueue[Seen] = queue.SimpleQueue()

    def run(self) -> None:
        """Run until the process ends."""
        os.sched_setaffinity(0, {self._cpu})
        self.realtime = self._wants_realtime and _become_realtime()
        with Path(f"/proc/self/task/{threading.get_native_id()}/schedstat").open("rb") as schedstat:
            self._watch(-1 if self.realtime else schedstat.fileno())

    def _watch(self, schedstat: int) -> None:
        seen = Seen()
        queued_ns = _queued_ns(schedstat)
        before_ns = time.monotonic_ns()
        self.started.set()  # a stall is seen from now on
        while True:
            time.sleep(SLEEP_NS / 1e9)
            now_ns, now_queued_ns = time.monotonic_ns(), _queued_ns(schedstat)
            # From wake-up to wake-up, so that no time is left out; the few microseconds of our own work count as delay.
            late_ns = now_ns - before_ns - SLEEP_NS - (now_queued_ns - queued_ns)
            seen.record(now_ns, max(late_ns, 0), self._cpu)
            if self._asked:
                self._asked = False
                self._answers.put(seen)
                seen = Seen()
            before_ns, queued_ns = now_ns, now_queued_ns

    def take(self) -> Seen:
        """Return what it saw since the last call."""
        self._asked = True
        return self._answers.get()


def _become_realtime() -> bool:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(os.sched_get_priority_max(os.SCHED_FIFO)))
    except OSError:
        return False
    return True


def _queued_ns(schedstat: int) -> int:
    """Return how long this thread has been runnable while others ran, since its start, or 0 for descriptor -1."""
    if schedstat < 0:
        return 0
    return int(os.pread(schedstat, 128, 0).split()[1])


def _processor_times() -> tuple[int, int]:
    """Return the stolen ticks and all ticks of all processors. Guest time is included in user and nice already."""
    with Path("/proc/stat").open(encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return (ticks[7] if len(ticks) > 7 else 0), sum(ticks)


def main() -> None:
    """Watch and answer until the end of input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, and the end of input ends this process
    gc.disable()  # nothing here makes reference cycles, and a collection would be a stall
    sleepers = [Sleeper(cpu, "normal" not in sys.argv) for cpu in sorted(os.sched_getaffinity(0))]
    for sleeper in sleepers:
        sleeper.start()
        sleeper.started.wait()
    begin_ns, (stolen, ticks) = time.monotonic_ns(), _processor_times()
    print("ready", flush=True)
    for _line in sys.stdin:
        seen = [sleeper.take() for sleeper in sleepers]
        end_ns, (now_stolen, now_ticks) = time.monotonic_ns(), _processor_times()
        histogram = LatencyHistogram()
        for one in seen:
            histogram.add(one.histogram)
        answer = {
            "begin_ns": begin_ns,
            "end_ns": end_ns,
            "processors": len(sleepers),
            "realtime": all(sleeper.realtime for sleeper in sleepers),
            "stalls": [(at_ns, stall_ns, cpu) for one in seen for stall_ns, at_ns, cpu in one.longest],
            "histogram": histogram.encode(),
            "steal_share": (now_stolen - stolen) / max(now_ticks - ticks, 1),
        }
        print(json.dumps(answer), flush=True)
        begin_ns, stolen, ticks = end_ns, now_stolen, now_ticks


if __name__ == "__main__":
    main()
