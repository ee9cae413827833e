# SPDX-License-Identifier: Apache-2.0
"""Many rings in one process and one thread: its descriptors, memory, threads, and processor time, silent and busy.

python tests/bench/rings.py [--rings 64] [--fps 30] [--size 4096] [--seconds 10] [--json]

A process reads all rings through Consumers; a second one, for comparison, reads one of them. Both sleep beside silent
rings first, then get fps frames a second from each ring. exit 1: a frame was missed, or a process did not end well
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from vshm_ctypes import Producer

ROOT = Path(__file__).resolve().parents[2]
READER = """
import json, os, resource, sys, threading, time
from vshm_ctypes import Consumers

def now():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.monotonic(), used.ru_utime + used.ru_stime, used.ru_nvcsw

def share(begin, end):
    seconds, cpu_s, wakes = (after - before for before, after in zip(begin, end))
    return {"cpu_percent": 100 * cpu_s / seconds, "wakes_per_s": wakes / seconds}

def memory():
    lines = open("/proc/self/smaps_rollup").read().splitlines()[1:]
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private", "SwapPss")))

seconds, expected, names = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
Consumers(names[:1]).close()  # what is loaded once is not at issue
before = memory(), len(os.listdir("/proc/self/fd"))
streams = Consumers(names)
told = {"descriptors": len(os.listdir("/proc/self/fd")) - before[1], "private_kib": memory() - before[0]}
streams.receive(1)
begin = now()
streams.receive(seconds)
told["silent"] = share(begin, now())
print("ready", flush=True)
received, begin, late = 0, None, []
while received < expected * len(names):
    stream, frame = streams.receive()
    late.append(time.monotonic_ns() - frame.publish_ns)
    begin = begin or now()
    received += 1
told["busy"] = share(begin, now())
told |= {"received": received, "threads": threading.active_count(), "tasks": len(os.listdir("/proc/self/task"))}
told["p50_us"] = sorted(late)[len(late) // 2] / 1e3
told["missed"] = sum(stream.info().missed for stream in streams.streams)
told["private_busy_kib"] = memory() - before[0]
streams.close()
print(json.dumps(told), flush=True)
"""


def measure(names: list[str], producers: list[Producer], fps: int, size: int, seconds: float) -> dict[str, Any] | None:
    """Return what a reader of these rings tells of itself, or None if it did not end well."""
    frames, data = round(fps * seconds), bytes(size)
    command = [sys.executable, "-c", READER, str(seconds), str(frames), *names]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as reader:
        assert reader.stdout is not None
        if reader.stdout.readline() != "ready\n":
            return None
        next_s = time.monotonic()
        for _ in range(frames):
            for number, producer in enumerate(producers):  # spread over the interval, as cameras are
                time.sleep(max(0.0, next_s + number / fps / len(producers) - time.monotonic()))
                producer.write(data, keyframe=True)
            next_s += 1 / fps
        line = reader.stdout.readline()
    return json.loads(line) if line and reader.returncode == 0 else None


def told(count: int, one: dict[str, Any]) -> str:
    """Return a reader's figures as a line."""
    silent, busy = one["silent"], one["busy"]
    return "; ".join(
        (
            f"{count:4} rings: {one['descriptors']} descriptors, {one['tasks']} thread",
            f"{one['private_kib']} KiB of private memory, {one['private_busy_kib']} at the end",
            f"silent {silent['cpu_percent']:.2f} % of a processor, {silent['wakes_per_s']:.1f} wake-ups/s",
            f"busy {busy['cpu_percent']:.1f} %, {one['received']} frames, {one['missed']} missed, "
            f"received {one['p50_us']:.0f} us after publication (p50)",
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rings", 64), ("fps", 30), ("size", 4096)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seconds", type=float, default=10, help="of silence, and of frames")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    names = [f"/vshm_bench_{os.getpid()}_{number}" for number in range(arguments.rings)]
    producers = [Producer(name, slots=30, slot_size=max(arguments.size, 4096)) for name in names]
    try:
        results = {
            count: measure(names[:count], producers[:count], arguments.fps, arguments.size, arguments.seconds)
            for count in (1, arguments.rings)
        }
    finally:
        for producer in producers:
            producer.close()
    if arguments.json:
        print(json.dumps(results))
    else:
        for count, one in results.items():
            print(told(count, one) if one else f"{count:4} rings: the reader did not end well")
    return 0 if all(one is not None and one["missed"] == 0 for one in results.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
