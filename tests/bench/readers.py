# SPDX-License-Identifier: Apache-2.0
"""Python readers beside each other: every frame, how late, at what cost.

python tests/bench/readers.py [--readers 8] [--fps 30] [--size 65536] [--seconds 30] [--json]
exit 1: over a limit; 3: the host was not fit to judge
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import subprocess
import sys
import time
from typing import Any

from vshm_ctypes import Consumer, Producer

P99_LIMIT_S = 1e-3
CPU_LIMIT = 0.01
UNFIT_STALLED = 0.005  # share of the time that the host itself stalled
UNFIT_OTHERS = 0.1  # share of all processors that other programs took
STALL_NS = 1_000_000


def percentile(values: list[int], percent: float) -> float:
    """In seconds, of values in ns."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] / 1e9


def read(ring: str) -> None:
    """A reader: prints a line once it has joined, and what it measured at the end."""
    latencies = []
    with Consumer(ring) as stream:
        print("ready", flush=True)
        begin, cpu = time.monotonic(), time.process_time()
        for frame in stream:
            latencies.append(time.monotonic_ns() - int.from_bytes(frame.data[:8], "little"))
        seconds, cpu = time.monotonic() - begin, time.process_time() - cpu
    told = {"received": len(latencies), "cpu": cpu / seconds}
    told |= {f"p{percent}_s": percentile(latencies, percent) for percent in (50, 99)} if latencies else {}
    print(json.dumps(told))


def control() -> None:
    """What the host's own stalls are: 1 ms sleeps until stdin ends, real-time where permitted."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    begin = last = time.monotonic_ns()
    stalled = worst = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        time.sleep(0.001)
        now = time.monotonic_ns()
        late = now - last - STALL_NS
        if late > STALL_NS:
            stalled += late
            worst = max(worst, late)
        last = now
    print(json.dumps({"share": stalled / (last - begin), "worst_s": worst / 1e9}))


def write(ring: Producer, fps: int, size: int, count: int) -> None:
    """Paced frames, each with the time at which it was handed to the library."""
    rest = bytes(size - 8)
    begin = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begin + number / fps - time.monotonic()))
        ring.write(time.monotonic_ns().to_bytes(8, "little") + rest, keyframe=number % fps == 0)


def start(*words: str) -> subprocess.Popen[str]:
    """This file once more, as a process of its own."""
    command = [sys.executable, __file__, *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def busy_seconds() -> float:
    """What all processors have done since boot, and what a hypervisor took from them."""
    with open("/proc/stat", encoding="ascii") as stat:  # noqa: PTH123
        user, nice, system, _idle, _wait, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """What this process and its ended children have used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measure(readers: int, fps: int, size: int, seconds: int) -> dict[str, Any]:
    """One run."""
    begin, busy, own = time.monotonic(), busy_seconds(), own_seconds()
    ring, count = f"/vshm_bench_{os.getpid()}", fps * seconds
    with Producer(ring) as producer:
        watch = start("--control")
        fleet = [start("--read", ring) for _ in range(readers)]
        for process in fleet:
            assert process.stdout is not None
            process.stdout.readline()
        time.sleep(0.5)
        write(producer, fps, size, count)
        time.sleep(0.5)
    told = [json.loads(process.communicate(timeout=60)[0]) for process in fleet]
    host = json.loads(watch.communicate(timeout=60)[0])
    others = (busy_seconds() - busy) - (own_seconds() - own)
    host["others"] = max(0.0, others / (time.monotonic() - begin) / (os.cpu_count() or 1))
    return {"frames": count, "readers": told, "host": host}


def judge(result: dict[str, Any]) -> tuple[str, int]:
    """(verdict, exit code)"""
    if any(reader["received"] != result["frames"] for reader in result["readers"]):
        return "FAIL: a reader missed frames", 1
    slow = [reader for reader in result["readers"] if reader["p99_s"] >= P99_LIMIT_S or reader["cpu"] >= CPU_LIMIT]
    if slow and (result["host"]["share"] > UNFIT_STALLED or result["host"]["others"] > UNFIT_OTHERS):
        return "INVALID: the host stalled, or did other things", 3
    return ("FAIL", 1) if slow else ("PASS", 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("readers", 8), ("fps", 30), ("size", 65536), ("seconds", 30)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--read", metavar="RING", help=argparse.SUPPRESS)
    parser.add_argument("--control", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        read(arguments.read)
        return 0
    if arguments.control:
        control()
        return 0
    result = measure(arguments.readers, arguments.fps, arguments.size, arguments.seconds)
    verdict, code = judge(result)
    if arguments.json:
        print(json.dumps(result | {"verdict": verdict}))
        return code
    print(f"{arguments.readers} readers, {arguments.fps} fps, {arguments.size} bytes, {result['frames']} frames")
    for number, reader in enumerate(result["readers"]):
        latency = f"p50 {reader['p50_s'] * 1e6:.0f} us, p99 {reader['p99_s'] * 1e6:.0f} us"
        print(f"reader {number}: {reader['received']} frames, {latency}, {reader['cpu']:.2%} of a core")
    host = result["host"]
    stalls = f"stalled {host['share']:.3%} of the time, longest {host['worst_s'] * 1e3:.1f} ms"
    print(f"host: {stalls}; other programs took {host['others']:.1%}")
    print(f"limits: all frames, p99 below 1 ms, below 1 % of a core: {verdict}")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
