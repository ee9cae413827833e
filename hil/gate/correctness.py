# SPDX-License-Identifier: Apache-2.0
"""What needs no statistics: what a library exports, and what is the same in every run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from .block import Block
from .libraries import Library
from .metrics import COUNTED, Metric
from .result import Row, RowVerdict

SIZE_MARGIN = 0.25
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
