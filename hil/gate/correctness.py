# SPDX-License-Identifier: Apache-2.0
"""The metrics that need no statistics: what a library exports, and what is the same in every run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from ..blocks.block import Block
from .libraries import Library
from .metrics import COUNTED, Metric
from .result import Row, RowVerdict

SIZE_MARGIN = 0.25
NO_FIGURE = "the candidate gave no figure"


def static_rows(baseline: Library, candidate: Library) -> list[Row]:
    """Return rows for the exported symbols, none of which may disappear, nor its version, and for the size.

    Code and data may grow by SIZE_MARGIN.
    """
    gone = sorted(baseline.symbols - candidate.symbols)
    new = sorted(candidate.symbols - baseline.symbols)
    versions = baseline.versions or frozenset()
    lost = sorted(versions - candidate.versions) if candidate.versions else []
    told = {"gone": gone, "gone, versions of symbols": lost, "new": new}
    details = [f"{what}: {', '.join(names)}" for what, names in told.items() if names]
    if versions and candidate.versions == frozenset():
        details.append("no versions: what was linked with the baseline starts with a warning of the loader's")
    symbols = Row(
        "exported_symbols",
        "static",
        RowVerdict.WORSE if gone or lost else RowVerdict.SAME,
        baseline=len(baseline.symbols),
        candidate=len(candidate.symbols),
        detail="; ".join(details),
    )
    size = Row("size", "static", RowVerdict.UNMEASURED, "B", baseline.size, candidate.size, margin=SIZE_MARGIN)
    if baseline.size and candidate.size:
        size.ratio = candidate.size / baseline.size
        size.verdict = RowVerdict.WORSE if size.ratio > 1 + SIZE_MARGIN else RowVerdict.SAME
    else:
        size.detail = "needs binutils"
    if baseline.obstacle or candidate.obstacle:  # what a wrapper passes on is known only once it is loaded
        symbols.verdict = size.verdict = RowVerdict.UNMEASURED
    return [symbols, size]


def wrapper_remarks(*libraries: Library) -> list[str]:
    """Return remarks on libraries that wrap another one."""
    return [
        f"{library.label} passes calls on to {', '.join(map(str, library.beside))}: they are asked and measured as one"
        for library in libraries
        if library.beside
    ]


def counted_row(metric: Metric, baseline: Sequence[Block], candidate: Sequence[Block]) -> Row:
    """Return a row that is worse if the candidate's least run is beyond the margin of the baseline's greatest.

    If both libraries are the same, that happens by chance once in binomial(runs of both, runs of one) times, whatever
    the margin is.
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
    """Return the rows of all counted metrics, from traced blocks."""
    return [counted_row(metric, baseline, candidate) for metric in COUNTED]
