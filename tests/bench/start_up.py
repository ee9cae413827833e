# SPDX-License-Identifier: Apache-2.0
"""How long a person waits for a command: the import, vshm --help, and vshm list on three live rings.

python tests/bench/start_up.py [--json]    exit 1: over a limit

Each is started in turn with a Python that does nothing, whose own start differs from board to board: the import is
judged by what it adds to that, the commands by the whole. Beside the import stands its floor, the modules of Python's
own that no binding by ctypes does without, which has no limit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from threading import Event, Thread

from vshm_ctypes import Producer

ROUNDS = 21
LIMITS_S = {"import": 0.015, "vshm --help": 0.080, "vshm list": 0.250}
PROGRAMS = {
    "python": ["-c", "pass"],
    "floor": ["-c", "import ctypes, enum"],
    "import": ["-c", "import vshm_ctypes"],
    "vshm --help": ["-m", "vshm_ctypes", "--help"],
    "vshm list": ["-m", "vshm_ctypes", "list"],
}


def seconds_of(arguments: list[str], environment: dict[str, str]) -> float:
    """Return the seconds of a whole interpreter with these arguments."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def keep_writing(rings: list[Producer], ended: Event) -> None:
    """Write 30 small frames a second into each ring until ended is set."""
    while not ended.wait(1 / 30):
        for ring in rings:
            ring.write(bytes(4096), keyframe=True)


def measured(progress: Callable[[int], None]) -> dict[str, float]:
    """Return the median seconds of each program; of imports, those beyond the start of Python in the same round."""
    taken: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    with tempfile.TemporaryDirectory() as compiled, ExitStack() as stack:
        # As after an installation: what is imported has been compiled before.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        rings = [stack.enter_context(Producer(f"/vshm_bench_{os.getpid()}_{number}")) for number in range(3)]
        ended = Event()
        writing = Thread(target=keep_writing, args=(rings, ended))
        writing.start()
        stack.callback(writing.join)
        stack.callback(ended.set)
        for at in range(ROUNDS + 1):
            for name, arguments in PROGRAMS.items():
                seconds = seconds_of(arguments, environment)
                if at > 0:  # the first round compiles
                    taken[name].append(seconds)
            progress(at)
    own = taken.pop("python")
    for name in ("floor", "import"):
        taken[name] = [whole - start for whole, start in zip(taken[name], own, strict=True)]
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def tell_progress(at: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{at} of {ROUNDS} rounds", end="\n" if at == ROUNDS else "", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    seconds = measured(tell_progress)
    over = [name for name, limit in LIMITS_S.items() if seconds[name] > limit]
    if arguments.json:
        print(json.dumps({"seconds": seconds, "limits": LIMITS_S, "over": over}))
    else:
        print(f"{'floor':<12} {seconds['floor'] * 1e3:6.1f} ms: ctypes and enum alone")
        for name, limit in LIMITS_S.items():
            verdict = "FAIL" if name in over else "PASS"
            print(f"{name:<12} {seconds[name] * 1e3:6.1f} ms, at most {limit * 1e3:.0f} ms: {verdict}")
    return bool(over)


if __name__ == "__main__":
    raise SystemExit(main())
