# SPDX-License-Identifier: Apache-2.0
"""How long a person waits: for the import, and for Ctrl-C to end a wait without timeout.

python tests/bench/promptness.py [--json]    exit 1: over a limit
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time

from vshm_ctypes import Producer

IMPORTS, INTERRUPTS = 15, 40
LIMITS_S = {"import": 0.050, "ctrl_c": 0.300}
WAITS = """
import sys
from vshm_ctypes import Consumer
with Consumer(sys.argv[1]) as stream:
    print(flush=True)
    while True:
        try:
            stream.receive()
        except KeyboardInterrupt:
            print(flush=True)
"""


def seconds_of(statement: str) -> float:
    """Return the seconds of a whole interpreter that runs the statement."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - begin


def import_seconds() -> float:
    """Return what import vshm_ctypes takes more than import ctypes, as the median of the differences."""
    pairs = [(seconds_of("import ctypes"), seconds_of("import vshm_ctypes")) for _ in range(IMPORTS)]
    return statistics.median(ours - theirs for theirs, ours in pairs[1:])


def interrupt_seconds() -> float:
    """Return the longest of many interrupts at random moments, some of which come just before the sleep."""
    chance = random.Random(1)
    name = f"/vshm_bench_{os.getpid()}"
    command = [sys.executable, "-c", WAITS, name]
    with Producer(name), subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        worst = 0.0
        for _ in range(INTERRUPTS):
            time.sleep(chance.random() * 0.02)
            begin = time.perf_counter()
            process.send_signal(signal.SIGINT)
            process.stdout.readline()
            worst = max(worst, time.perf_counter() - begin)
        process.kill()
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it, and its children
    measured = {"import": import_seconds(), "ctrl_c": interrupt_seconds()}
    over = [name for name, limit in LIMITS_S.items() if measured[name] > limit]
    if arguments.json:
        print(json.dumps({"seconds": measured, "limits": LIMITS_S, "over": over}))
    else:
        for name, limit in LIMITS_S.items():
            verdict = "FAIL" if name in over else "PASS"
            print(f"{name:<8} {measured[name] * 1e3:6.1f} ms, at most {limit * 1e3:.0f} ms: {verdict}")
    return bool(over)


if __name__ == "__main__":
    raise SystemExit(main())
