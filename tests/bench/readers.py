# SPDX-License-Identifier: Apache-2.0
"""Python readers beside each other: every frame, how late, at what cost.

python tests/bench/readers.py [--readers 8] [--fps 30] [--size 65536] [--seconds 30] [--json]
exit 1: over a limit; 3: the host was not fit to judge
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from typing import Any

from hil.figures.statistic import percentile_us
from hil.host.board import choose_board
from hil.host.fitness import stalled_share
from hil.host.watch import HostWatch
from vshm_ctypes import Consumer, Producer

P99_LIMIT_S = 1e-3
CPU_LIMIT = 0.01


def read(ring: str) -> None:
    """Read as one of the readers: print a line once it has joined, and what it measured at the end."""
    latencies = []
    with Consumer(ring) as stream:
        print("ready", flush=True)
        begin, cpu = time.monotonic(), time.process_time()
        for frame in stream:
            latencies.append(time.monotonic_ns() - int.from_bytes(frame.data[:8], "little"))
        seconds, cpu = time.monotonic() - begin, time.process_time() - cpu
    print(json.dumps({"cpu": cpu / seconds, "latency_ns": latencies}))


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


def measure(readers: int, fps: int, size: int, seconds: int) -> dict[str, Any]:
    """One run."""
    ring, count = f"/vshm_bench_{os.getpid()}", fps * seconds
    with HostWatch() as watch:
        told = run(ring, readers, fps, size, count)
        seen = watch.take()
    host: dict[str, Any] = {"share": stalled_share(seen.stalls), "worst_s": seen.stalls.longest_ns / 1e9}
    host |= {"others": seen.others_share}
    host["unfit"] = list(seen.fitness(choose_board(None).fitness.bearing_single_stalls()).reasons)
    return {"frames": count, "readers": [figures(**one) for one in told], "host": host}


def figures(cpu: float, latency_ns: list[int]) -> dict[str, Any]:
    """What is told of a reader."""
    percentiles = {f"p{percent}_s": percentile_us(latency_ns, percent) for percent in (50, 99)}
    times = {name: None if us is None else us / 1e6 for name, us in percentiles.items()}
    return {"received": len(latency_ns), "cpu": cpu} | times


def run(ring: str, readers: int, fps: int, size: int, count: int) -> list[dict[str, Any]]:
    """What each reader measured of so many frames."""
    with Producer(ring) as producer:
        fleet = [start("--read", ring) for _ in range(readers)]
        for process in fleet:
            assert process.stdout is not None
            process.stdout.readline()
        time.sleep(0.5)
        write(producer, fps, size, count)
        time.sleep(0.5)
    return [json.loads(process.communicate(timeout=60)[0]) for process in fleet]


def judge(result: dict[str, Any]) -> tuple[str, int]:
    """(verdict, exit code)"""
    if any(reader["received"] != result["frames"] for reader in result["readers"]):
        return "FAIL: a reader missed frames", 1
    slow = [reader for reader in result["readers"] if reader["p99_s"] >= P99_LIMIT_S or reader["cpu"] >= CPU_LIMIT]
    if slow and result["host"]["unfit"]:
        return f"INVALID: {'; '.join(result['host']['unfit'])}", 3
    return ("FAIL", 1) if slow else ("PASS", 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("readers", 8), ("fps", 30), ("size", 65536), ("seconds", 30)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--read", metavar="RING", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        read(arguments.read)
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
