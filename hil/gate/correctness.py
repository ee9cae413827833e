# SPDX-License-Identifier: Apache-2.0
"""What needs no statistics: what a library exports, what it promises, and what is the same in every run."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..process_group import end_group
from .block import Block
from .libraries import Library
from .metrics import COUNTED, Metric
from .result import Row, RowVerdict
from .stage import channels_of, remove_channel

SIZE_MARGIN = 0.25
SCENE_TIMEOUT_S = 60.0
NO_FIGURE = "the candidate gave no figure"


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
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            said, complaints = process.communicate(timeout=SCENE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return [f"no end after {SCENE_TIMEOUT_S:g} s"]
        finally:
            _put_away(process)
    broken = said.splitlines()
    if process.returncode < 0:
        broken.append(f"crashed by signal {-process.returncode}")
    elif process.returncode:
        broken.append(complaints.strip().splitlines()[-1] if complaints.strip() else f"ended with {process.returncode}")
    return broken


def _put_away(scene: subprocess.Popen[str]) -> None:
    """What a scene that ended otherwise than by itself left: its actors, and their channels."""
    end_group(scene.pid)
    scene.wait()
    for channel in channels_of(scene.pid):
        remove_channel(channel)


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
    if not ours or len(ours) < len(baseline):
        return row
    if len(theirs) < len(candidate):
        row.verdict, row.detail = RowVerdict.WORSE, NO_FIGURE
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
