# SPDX-License-Identifier: Apache-2.0
"""What needs no statistics: symbols, and what is counted."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("scipy", reason="no scipy for this processor")

from gate_host import BASELINE, Host, tally

from hil.blocks.block import BlockPlan
from hil.gate.correctness import counted_row, static_rows
from hil.gate.libraries import Library
from hil.gate.metrics import COUNTED
from hil.gate.result import RowVerdict


def test_a_symbol_that_is_gone_is_a_regression() -> None:
    less = Library("candidate", Path("b.so"), None, frozenset({"one"}), 1000)
    symbols, size = static_rows(BASELINE, less)
    assert (symbols.verdict, symbols.detail) == (RowVerdict.WORSE, "gone: two")
    assert size.verdict is RowVerdict.SAME
    more = Library("candidate", Path("b.so"), None, frozenset({"one", "two", "three"}), 2000)
    symbols, size = static_rows(BASELINE, more)
    assert symbols.verdict is RowVerdict.SAME
    assert size.verdict is RowVerdict.WORSE


def test_counts_have_a_margin() -> None:
    calls = next(metric for metric in COUNTED if metric.name == "writer_system_calls")
    host = Host()
    blocks = [host.run(Path(), Path("a.so"), BlockPlan(None, 1)) for _ in range(3)]  # type: ignore[arg-type]
    assert counted_row(calls, blocks, blocks).verdict is RowVerdict.SAME
    for system_calls, verdict in ((210, RowVerdict.SAME), (230, RowVerdict.WORSE)):
        others = [replace(block, writer=tally(system_calls=system_calls)) for block in blocks]
        assert counted_row(calls, blocks, others).verdict is verdict


def test_a_leak_of_a_page_for_each_frame_is_beyond_its_margin() -> None:
    growth = next(metric for metric in COUNTED if metric.name == "memory_growth")
    host = Host()
    clean = [host.run(Path(), Path("a.so"), BlockPlan(None, 1)) for _ in range(3)]  # type: ignore[arg-type]
    host.changed = {"grown_bytes": 4096 * 100}
    leaking = [host.run(Path(), Path("b.so"), BlockPlan(None, 1)) for _ in range(3)]  # type: ignore[arg-type]
    assert counted_row(growth, clean, clean).verdict is RowVerdict.SAME
    assert counted_row(growth, clean, leaking).verdict is RowVerdict.WORSE


def test_a_count_that_only_the_candidate_does_not_give_is_worse() -> None:
    calls = next(metric for metric in COUNTED if metric.name == "writer_system_calls")
    host = Host()
    blocks = [host.run(Path(), Path("a.so"), BlockPlan(None, 1)) for _ in range(3)]  # type: ignore[arg-type]
    without = [replace(block, writer=replace(block.writer, system_calls=None)) for block in blocks]
    assert counted_row(calls, blocks, [*blocks[:2], without[2]]).verdict is RowVerdict.WORSE
    assert counted_row(calls, without, blocks).verdict is RowVerdict.UNMEASURED
