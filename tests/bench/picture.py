# SPDX-License-Identifier: Apache-2.0
"""What testsrc's picture costs, over that of another commit: CPU time of drawing it, and of drawing and encoding it.

python tests/bench/picture.py [--baseline REF]    exit 1: it surely costs more

Processes of either in turn, the first of a pair by lot; the figure is the median of the pairs' ratios, with a
bootstrap interval of 95 %.

Drawn alone, a small picture may cost less than its memory: where malloc gives it back to the kernel each time, there
is a page fault for each 4 KiB. At 640x360 with glibc a picture took 180 us without any, and 330 us with the 87 of
MALLOC_MMAP_THRESHOLD_=131072. So a figure of "drawn" is one of the drawing only where neither commit has faults.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from hil.figures.statistic import median_interval

ROOT = Path(__file__).resolve().parents[2]
SIZES = ("320x240", "640x360", "1280x720", "1920x1080")
PAIRS = 15
# Each picture as the streamer gets it; what it is encoded with is the streamer's own choice for live streams.
WORKER = """
import sys, time
from fractions import Fraction
import av
from hil.streamer.sources.testsrc import TestSource

size, encodes, count = sys.argv[1], sys.argv[2] == "encode", int(sys.argv[3])
source = TestSource(f"testsrc:{size}@1000")
source.open()
context = av.CodecContext.create("libx264", "w")
context.width, context.height, context.pix_fmt = source.width, source.height, "yuv420p"
context.time_base, context.framerate, context.thread_count = Fraction(1, 30), Fraction(30), 1
context.bit_rate = max(source.width * source.height * 3, 200_000)
context.options = {"preset": "superfast", "tune": "zerolatency"}

def run(pictures):
    done = 0
    while done < pictures:
        captured = source.read(1.0)
        if captured is not None:
            captured.picture.pts = None
            if encodes:
                context.encode(captured.picture)
            done += 1

run(10)
begin = time.process_time()
run(count)
print((time.process_time() - begin) / count)
"""


def cost_s(tree: Path, size: str, what: str) -> float:
    """Return the CPU seconds of a picture."""
    width, height = map(int, size.split("x"))
    count = max(20, 40_000_000 // (width * height) // (4 if what == "encode" else 1))
    environment = os.environ | {"PYTHONPATH": str(tree)}
    command = [sys.executable, "-c", WORKER, size, what, str(count)]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def interval(logs: list[float]) -> tuple[float, float, float]:
    """Return the median ratio and the ends of its interval, from logarithms of ratios."""
    middle, low, high = map(math.exp, median_interval(logs))
    return middle, low, high


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--baseline", default="HEAD~1", metavar="REF", help="a commit (default: HEAD~1)")
    parser.add_argument("--pairs", type=int, default=PAIRS, metavar="N", help=f"(default: {PAIRS})")
    arguments = parser.parse_args()
    worse = False
    with tempfile.TemporaryDirectory() as folder:
        files = subprocess.run(
            ["git", "archive", arguments.baseline, "hil", "vshm_ctypes"], cwd=ROOT, capture_output=True, check=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=files, check=True)
        for what in ("draw", "encode"):
            for size in SIZES:
                logs, costs = [], []
                for _ in range(arguments.pairs):
                    trees = [Path(folder), ROOT]
                    random.shuffle(trees)
                    cost = {tree: cost_s(tree, size, what) for tree in trees}
                    logs.append(math.log(cost[ROOT] / cost[Path(folder)]))
                    costs.append(cost[ROOT])
                ratio, low, high = interval(logs)
                worse |= low > 1
                told = "drawn" if what == "draw" else "drawn and encoded"
                figures = f"{ratio:.2f} ({low:.2f} to {high:.2f}) of {arguments.baseline}"
                print(f"{size} {told}: {statistics.median(costs) * 1e6:.0f} us a picture, {figures}", flush=True)
    return int(worse)


if __name__ == "__main__":
    sys.exit(main())
