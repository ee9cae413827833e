# SPDX-License-Identifier: Apache-2.0
"""Python readers beside each other: every frame, how late, at what cost.

python tests/bench/readers.py [--readers 8] [--fps 30] [--size 65536] [--seconds 30] [--json]
exit 1: over a limit, or a frame was missed; 3: the host was not fit to judge
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from hil.bench.block import run_block
from hil.bench.comparison import Case
from hil.blocks.block import Block, BlockError
from hil.figures.exit import exit_for
from hil.figures.statistic import percentile_us
from hil.figures.verdict import Verdict
from hil.host.board import choose_board
from hil.host.watch import HostWatch

P99_LIMIT_US = 1000.0
CPU_LIMIT = 0.01  # of a core


@dataclass(frozen=True, slots=True)
class Reader:
    """What one reader measured. cpu: share of a core. Latency is from before write to the return from receive."""

    cpu: float
    p50_us: float
    p99_us: float


def readers_of(block: Block, fps: int) -> list[Reader] | None:
    """Return what each reader measured, or None if one missed a frame."""
    each, rest = divmod(len(block.latency_ns), len(block.readers))
    if rest or block.faults() or any(reader.missed for reader in block.readers):
        return None
    found = []
    for number, reader in enumerate(block.readers):
        own = block.latency_ns[number * each : (number + 1) * each]
        p50_us, p99_us = (percentile_us(own, percent) for percent in (50, 99))
        if p50_us is None or p99_us is None or reader.cpu_ns is None:
            return None
        found.append(Reader(reader.cpu_ns / reader.frames * fps / 1e9, p50_us, p99_us))
    return found


def judge(readers: list[Reader] | None, unfit: list[str]) -> Verdict:
    """Return the verdict. A missed frame fails on any host; a late one only on a host that is fit."""
    if readers is None:
        return Verdict.FAIL
    if all(reader.p99_us < P99_LIMIT_US and reader.cpu < CPU_LIMIT for reader in readers):
        return Verdict.PASS
    return Verdict.INVALID if unfit else Verdict.FAIL


def told(case: Case, result: dict[str, Any]) -> str:
    """Return the lines for people."""
    lines = [f"{case.receivers} readers, {case.fps} fps, {case.size} bytes, {result['frames']} frames"]
    lines += [
        f"reader {number}: p50 {one['p50_us']:.0f} us, p99 {one['p99_us']:.0f} us, {one['cpu']:.2%} of a core"
        for number, one in enumerate(result["readers"] or [])
    ]
    lines += [f"host: {reason}" for reason in result["unfit"]]
    lines.append(f"limits: all frames, p99 below 1 ms, below 1 % of a core: {result['verdict'].upper()}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("readers", 8), ("fps", 30), ("size", 65536), ("seconds", 30)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    case = Case(arguments.size, arguments.readers, arguments.fps)
    try:
        with HostWatch() as watch:
            block = run_block("video-shm", case, arguments.seconds)
            seen = watch.take()
    except BlockError as error:
        print(f"readers: {error}", file=sys.stderr)
        return 1
    readers = readers_of(block, case.fps)
    unfit = list(seen.fitness(choose_board(None).fitness.bearing_single_stalls()).reasons)
    verdict = judge(readers, unfit)
    rows = None if readers is None else [asdict(reader) for reader in readers]
    result = {"frames": block.written, "readers": rows, "unfit": unfit, "verdict": verdict.value}
    print(json.dumps(result) if arguments.json else told(case, result))
    return exit_for(verdict)


if __name__ == "__main__":
    raise SystemExit(main())
