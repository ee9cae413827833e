# SPDX-License-Identifier: Apache-2.0
"""What needs no statistics: what a library exports, what it promises, and what is the same in every run."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .block import Block
from .libraries import Library
from .metrics import COUNTED, Metric
from .result import Row, RowVerdict

SIZE_MARGIN = 0.25
SCENE_TIMEOUT_S = 60.0


def static_rows(baseline: Library, candidate: Library) -> list[Row]:
    """Exported symbols: none may go. Size of code and data: it may grow by SIZE_MARGIN."""
    gone = sorted(baseline.symbols - candidate.symbols)
    symbols = Row(
        "exported_symbols",
        "static",
        RowVerdict.WORSE if gone else RowVerdict.SAME,
        baseline=len(baseline.symbols),
        candidate=len(candidate.symbols),
        detail=f"gone: {', '.join(gone)}" if gone else "",
    )
    size = Row("size", "static", RowVerdict.UNMEASURED, "B", baseline.size, candidate.size, margin=SIZE_MARGIN)
    if baseline.size and candidate.size:
        size.ratio = candidate.size / baseline.size
        size.verdict = RowVerdict.WORSE if size.ratio > 1 + SIZE_MARGIN else RowVerdict.SAME
    else:
        symbols.verdict, symbols.detail = RowVerdict.UNMEASURED, "needs binutils"
    return [symbols, size]


def play(name: str, library: Path) -> list[str]:
    """What a library broke of one promise; empty: nothing. A crash or a hang is broken too."""
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"VSHM_LIBRARY": str(library), "PYTHONPATH": root}
    command = [sys.executable, "-m", f"{__package__}.promises", name]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=SCENE_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return [f"no end after {SCENE_TIMEOUT_S:g} s"]
    broken = done.stdout.splitlines()
    if done.returncode < 0:
        broken.append(f"crashed by signal {-done.returncode}")
    elif done.returncode:
        broken.append(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"ended with {done.returncode}")
    return broken


def promise_row(name: str, baseline: Library, candidate: Library) -> Row:
    """One promise: worse where only the candidate breaks it. The baseline is asked only then."""
    broken = play(name, candidate.path)
    if not broken:
        return Row(name, "promise", RowVerdict.SAME)
    before = play(name, baseline.path)
    return Row(name, "promise", RowVerdict.AS_BEFORE if before else RowVerdict.WORSE, detail="; ".join(broken))


def counted_row(metric: Metric, baseline: Sequence[Block], candidate: Sequence[Block]) -> Row:
    """Worse where the least of the candidate's runs is beyond the margin of the baseline's greatest.

    Were both the same, that would come by chance once in binomial(runs of both, runs of one) times, margin or not.
    """
    row = Row(metric.name, "counted", RowVerdict.UNMEASURED, metric.unit, margin=metric.margin)
    values = [[metric.value([block]) for block in blocks] for blocks in (baseline, candidate)]
    ours, theirs = ([value + metric.floor for value in side if value is not None] for side in values)
    if not ours or not theirs or len(ours) + len(theirs) < len(baseline) + len(candidate):
        return row
    middle, other = statistics.median(ours), statistics.median(theirs)
    row.baseline, row.candidate = middle - metric.floor, other - metric.floor
    row.ratio = other / middle if middle > 0 else None
    is_worse = min(theirs) > max(ours) * (1 + metric.margin)
    row.verdict = RowVerdict.WORSE if is_worse else RowVerdict.SAME
    return row


def counted_rows(baseline: Sequence[Block], candidate: Sequence[Block]) -> list[Row]:
    """All of them, from traced blocks."""
    return [counted_row(metric, baseline, candidate) for metric in COUNTED]
