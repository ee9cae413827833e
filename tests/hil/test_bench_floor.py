# SPDX-License-Identifier: Apache-2.0
"""tests/bench/floor.py: a wrong judge would let a slow library pass, or a good one fail."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys

import psutil
import pytest
from writers import BUILD, ROOT, wait_until

pytest.importorskip("hdrh", reason="not installed: pip install video-shm[hil]")
pytest.importorskip("scipy", reason="not installed: pip install video-shm[hil]")

sys.path.insert(0, str(ROOT / "tests" / "bench"))

from floor_rows import CROWDS, ROWS, Compared, Figures, Row, compared, per_reader, places

from hil.figures.statistic import Interval
from hil.figures.verdict import Verdict
from vshm_ctypes import list_rings

PROGRAM = BUILD / "bench" / "video_shm_bench"
FLOOR = [sys.executable, str(ROOT / "tests" / "bench" / "floor.py"), "--program", str(PROGRAM)]
needs_program = pytest.mark.skipif(not PROGRAM.exists(), reason="no video_shm_bench: build with -DVIDEO_SHM_BENCH=ON")


def judged(ratio: Interval, blocks: int = 20, fit: bool = True, timed: bool = True, **limit: float) -> Verdict | None:
    row = Row("write", "us", 1, 1, ratio, timed=timed, **limit)  # type: ignore[arg-type]
    row.judge(blocks, fit)
    return row.verdict


def test_the_worse_end_of_the_interval_is_held_against_the_limit() -> None:
    ratio = Interval(1.08, 1.05, 1.12)
    assert judged(ratio, at_most=1.10) is Verdict.FAIL
    assert judged(ratio, at_most=1.12) is Verdict.PASS
    assert judged(ratio, at_least=1.06) is Verdict.FAIL
    assert judged(ratio, at_least=1.05) is Verdict.PASS
    assert judged(ratio) is None


def test_an_unfit_host_and_too_few_blocks_judge_no_time() -> None:
    good, bad = Interval(1, 1, 1), Interval(9, 9, 9)
    assert judged(good, fit=False, at_most=1.1) is judged(bad, fit=False, at_most=1.1) is Verdict.INVALID
    assert judged(good, blocks=19, at_most=1.1) is Verdict.INVALID
    assert judged(good, blocks=1, fit=False, timed=False, at_most=0) is Verdict.FAIL


def test_a_ratio_that_is_no_number_does_not_pass() -> None:
    nothing = Interval(math.nan, math.nan, math.nan)
    assert judged(nothing, at_most=1.1) is judged(nothing, at_least=0.9) is Verdict.FAIL


def test_blocks_are_compared_one_by_one_and_the_floor_with_its_twin() -> None:
    """The host slows down threefold on the way, and the ratio of the pairs does not notice."""
    figures: Figures = {
        "ns": {
            at: {0: [slow * 3000.0] * 9, 1: [slow * 2000.0] * 9, 2: [slow * 1000.0] * 9}
            for at, slow in enumerate((1, 2, 3))
        }
    }
    row = Compared("write", "ns", at_most=1.1).row(figures)
    assert (row.ours, row.floor) == (6.0, 4.0)
    assert row.ratio == Interval(1.5, 1.5, 1.5)
    assert row.floor_to_floor == Interval(0.5, 0.5, 0.5)


def test_what_a_waiting_reader_adds_is_told_without_the_write_itself() -> None:
    """64 readers add 64 us to a write of 5 us, and 128 us to the floor of 3 us."""
    figures: Figures = {"write_ns_0": {at: {0: [5e3], 1: [3e3], 2: [3e3]} for at in range(2)}}
    figures |= {
        f"write_ns_{count}": {at: {0: [5e3 + count * 1e3], 1: [3e3 + count * 2e3], 2: [3e3]} for at in range(2)}
        for count in CROWDS
    }
    for row in per_reader(figures):
        assert (row.ours, row.floor) == (1.0, 2.0)
        assert row.ratio == Interval(0.5, 0.5, 0.5)


def test_a_percentile_is_that_of_each_block() -> None:
    block = {0: [float(ns) for ns in range(0, 101_000, 1000)], 1: [1000.0], 2: [1000.0]}
    assert Compared("p99", "ns", 99).row({"ns": {0: block}}).ours == pytest.approx(99.0)


def test_slots_at_slow_distances_are_counted_and_the_slowest_place_is_told() -> None:
    def only(values: list[float]) -> dict[int, dict[int, list[float]]]:
        return {0: {0: values}}

    figures = {"plain_distance": only([0, 8]), "plain_ns": only([2000, 20_000])}
    figures |= {"4x64_distance": only([0, 31, 32, 1]), "4x64_ns": only([2000, 3000, 5000, 2500])}
    *plain, slowest, close = places(figures)
    assert [row.ratio.middle for row in plain] == [1, 10]
    assert (slowest.name, slowest.ours, slowest.ratio.high) == ("copy to and from 4 slots of 64, slowest", 5.0, 2.5)
    assert (close.ours, close.timed, close.at_most) == (2, False, 0)


@needs_program
def test_every_case_that_the_program_has_is_judged() -> None:
    listed = subprocess.run([PROGRAM, "--list"], capture_output=True, text=True, check=True).stdout
    assert {line.split()[0] for line in listed.splitlines()} == {"places", *ROWS}
    assert callable(compared("places"))


@needs_program
def test_a_run_of_few_blocks_comes_to_its_end_and_judges_nothing() -> None:
    command = [
        *FLOOR,
        "--blocks",
        "2",
        "--seconds",
        "0.1",
        "--json",
        "write",
        "rate",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    told = json.loads(done.stdout)
    assert done.returncode == 3
    assert [(case["case"], case["complete"]) for case in told["cases"]] == [
        ("write-64", True),
        ("write-512", True),
        ("rate", True),
    ]
    rows = [row for case in told["cases"] for row in case["rows"]]
    assert {row["verdict"] for row in rows} == {"invalid"}
    assert all(row["ours"] > 0 and row["floor"] > 0 and row["ratio"]["low"] <= row["ratio"]["high"] for row in rows)


@needs_program
@pytest.mark.parametrize("words", [["no-such-case"], ["--blocks", "0"], ["--program", "/absent"]])
def test_wrong_words_are_refused(words: list[str]) -> None:
    done = subprocess.run([*FLOOR, *words], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")


def rings_of(process: subprocess.Popen[bytes]) -> set[str]:
    """Return the rings that the processes below that one write."""
    below = {child.pid for child in psutil.Process(process.pid).children(recursive=True)}
    return {name for name, info in list_rings().items() if info.writer_pid in below}


@needs_program
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_leaves_no_ring(end: signal.Signals) -> None:
    found = set[str]()

    def measures() -> bool:
        found.update(rings_of(process))
        return bool(found)

    command = [*FLOOR, "--seconds", "60", "latency-30-1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(measures, "it measures")
            process.send_signal(end)
            assert process.wait(60) == 130
        finally:
            process.kill()
    assert found.isdisjoint(list_rings())
