# SPDX-License-Identifier: Apache-2.0
"""How long a person waits for Ctrl-C to end a wait without timeout.

python tests/bench/promptness.py [--json]    exit 1: over a limit
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time

from vshm_ctypes import Producer

INTERRUPTS = 40
LIMIT_S = 0.300
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
    worst = interrupt_seconds()
    over = worst > LIMIT_S
    if arguments.json:
        print(json.dumps({"seconds": worst, "limit": LIMIT_S, "over": over}))
    else:
        print(f"Ctrl-C {worst * 1e3:6.1f} ms, at most {LIMIT_S * 1e3:.0f} ms: {'FAIL' if over else 'PASS'}")
    return over


if __name__ == "__main__":
    raise SystemExit(main())
