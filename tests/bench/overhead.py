# SPDX-License-Identifier: Apache-2.0
"""What the Python layer costs for each frame, over the same loop in C, in units of an empty ctypes call.

python tests/bench/overhead.py [--json]    exit 1: over a limit

Blocks of Python and of C in turn; the figure is the median of the blocks, with a bootstrap interval of 95 %.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hil.figures.statistic import median_interval
from vshm_ctypes import Consumer, Producer, get_library
from vshm_ctypes._library import library

HERE = Path(__file__).parent
INCLUDE = HERE.parent.parent / "lib" / "include"
BLOCKS, FRAMES = 25, 2000
LIMITS = {"write": 16, "borrow": 20, "iterate": 25}
PAYLOAD = bytes(64)


def ns_each(loop: Callable[[int], None]) -> float:
    """Return the nanoseconds that each of FRAMES turns took."""
    begin = time.perf_counter_ns()
    loop(FRAMES)
    return (time.perf_counter_ns() - begin) / FRAMES


def empty(count: int) -> None:
    """Make the cheapest call through ctypes that there is, so many times."""
    call = library.video_shm_version
    for _ in range(count):
        call()


@contextmanager
def loop_in_c() -> Iterator[Callable[[], list[float]]]:
    """Yield a function that returns the nanoseconds of (write, write and borrow, write and receive)."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "loop"
        path = Path(get_library()).resolve()
        words = ["cc", "-O2", "-o", str(program), str(HERE / "loop.c"), f"-I{INCLUDE}", str(path)]
        subprocess.run([*words, f"-Wl,-rpath,{path.parent}"], check=True)
        command = [str(program), f"/vshm_bench_c_{os.getpid()}", str(FRAMES)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

            def measure() -> list[float]:
                assert process.stdin is not None and process.stdout is not None
                print(file=process.stdin, flush=True)
                return [float(word) for word in process.stdout.readline().split()]

            yield measure


def blocks() -> Iterator[dict[str, float]]:
    """Return the overheads of one block after the other, in empty calls."""
    name = f"/vshm_bench_{os.getpid()}"
    with Producer(name) as producer, Consumer(name) as stream, loop_in_c() as measure_c:

        def write(count: int) -> None:
            for _ in range(count):
                producer.write(PAYLOAD)

        def borrow(count: int) -> None:
            for _ in range(count):
                producer.write(PAYLOAD)
                with stream.borrow() as frame:
                    frame.data  # noqa: B018

        def iterate(count: int) -> None:
            frames = iter(stream)
            for _ in range(count):
                producer.write(PAYLOAD)
                next(frames)

        for _ in range(BLOCKS):
            unit, write_ns = ns_each(empty), ns_each(write)
            while stream.receive(timeout=0) is not None:
                pass
            borrow_ns, iterate_ns = ns_each(borrow) - write_ns, ns_each(iterate) - write_ns
            c_write_ns, c_borrow_ns, c_receive_ns = measure_c()
            yield {
                "unit_ns": unit,
                "write": (write_ns - c_write_ns) / unit,
                "borrow": (borrow_ns - (c_borrow_ns - c_write_ns)) / unit,
                "iterate": (iterate_ns - (c_receive_ns - c_write_ns)) / unit,
            }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measured = list(blocks())
    figures = {name: median_interval([block[name] for block in measured]) for name in ("unit_ns", *LIMITS)}
    over = [name for name, limit in LIMITS.items() if figures[name][2] > limit]
    if arguments.json:
        print(json.dumps({"figures": figures, "limits": LIMITS, "over": over}))
        return bool(over)
    print(f"an empty call through ctypes: {figures['unit_ns'][0]:.0f} ns; Python {sys.version.split()[0]}")
    for name, limit in LIMITS.items():
        middle, low, high = figures[name]
        verdict = "FAIL" if name in over else "PASS"
        print(f"{name:<8} {middle:5.1f} empty calls [{low:.1f}, {high:.1f}], at most {limit}: {verdict}")
    return bool(over)


if __name__ == "__main__":
    raise SystemExit(main())
