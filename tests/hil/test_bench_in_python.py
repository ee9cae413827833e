# SPDX-License-Identifier: Apache-2.0
"""tests/bench/in_python.py: a wrong judge would let a slow binding pass, or a good one fail."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from writers import ROOT

pytest.importorskip("hdrh", reason="not installed: pip install video-shm[hil]")
pytest.importorskip("scipy", reason="not installed: pip install video-shm[hil]")

sys.path.insert(0, str(ROOT / "tests" / "bench"))

from in_python import BARE, BORROW, CASES, FLOOR, ICEORYX, RECEIVE, SIZES, TWIN, compared

from hil.blocks.block import Block, Tally
from hil.figures.verdict import Verdict
from vshm_ctypes import list_rings

SCRIPT = [sys.executable, str(ROOT / "tests" / "bench" / "in_python.py")]
BLOCKS = 20


def block(latency_us: float, sent_per_s: float = 1000.0) -> Block:
    frames = 101
    return Block(
        latency_ns=[round(latency_us * 1000)] * frames,
        write_ns=[1] * frames,
        written=frames,
        refused=0,
        dropped=0,
        elapsed_ns=round((frames - 1) / sent_per_s * 1e9),
        recovery_ns=None,
        writer=Tally(frames, 1),
        readers=[],
        complete=True,
    )


def verdicts(kind: str, size: int, **blocks: Block) -> dict[str, Verdict | None]:
    found = {}
    for row in compared(kind, size):
        judged = row.row({name: [one] * BLOCKS for name, one in blocks.items()})
        judged.judge(BLOCKS, host_is_fit=True)
        found[judged.name] = judged.verdict
    return found


@pytest.mark.parametrize(
    ("size", "receive_us", "borrow_us", "receive", "borrow"),
    [
        (SIZES[0], 114, 104, Verdict.PASS, Verdict.PASS),
        (SIZES[0], 116, 106, Verdict.FAIL, Verdict.FAIL),
        (SIZES[1], 124, 104, Verdict.PASS, Verdict.PASS),
        (SIZES[1], 126, 106, Verdict.FAIL, Verdict.FAIL),
    ],
)
def test_paced_the_floor_is_the_measure(
    size: int, receive_us: float, borrow_us: float, receive: Verdict, borrow: Verdict
) -> None:
    sides = {RECEIVE: receive_us, BORROW: borrow_us, FLOOR: 100.0, TWIN: 100.0, ICEORYX: 500.0}
    sides |= dict.fromkeys(BARE.values(), 101.0)
    found = verdicts("paced", size, **{name: block(us) for name, us in sides.items()})
    assert found[f"{RECEIVE}, p50 over the floor's"] is receive
    assert found[f"{BORROW}, p50 over the floor's"] is borrow
    assert found[f"{ICEORYX}, p50 over the floor's"] is None  # beside it for who reads the table


@pytest.mark.parametrize(("sent_per_s", "verdict"), [(1010, Verdict.PASS), (990, Verdict.FAIL)])
def test_at_full_rate_iceoryx2_is_the_measure(sent_per_s: float, verdict: Verdict) -> None:
    rates = {RECEIVE: sent_per_s, BORROW: sent_per_s, ICEORYX: 1000.0, FLOOR: 5000.0}
    found = verdicts("rate", SIZES[0], **{name: block(10, rate) for name, rate in rates.items()})
    assert list(found.values()) == [verdict, verdict, None]


@pytest.mark.parametrize(("latency_us", "verdict"), [(119, Verdict.PASS), (121, Verdict.FAIL)])
def test_of_the_newest_frames_the_latency_is_judged(latency_us: float, verdict: Verdict) -> None:
    latencies = {RECEIVE: latency_us, BORROW: latency_us, ICEORYX: 100.0, FLOOR: 10.0}
    found = verdicts("newest", SIZES[0], **{name: block(us) for name, us in latencies.items()})
    assert list(found.values()) == [verdict, verdict, None]


def test_a_case_that_is_not_there_is_refused() -> None:
    done = subprocess.run([*SCRIPT, "paced-65"], capture_output=True, text=True)
    assert done.returncode == 2 and "there is no case paced-65" in done.stderr
    listed = subprocess.run([*SCRIPT, "--list"], capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in listed.splitlines()] == list(CASES)


def test_a_look_is_no_verdict_and_leaves_nothing_behind() -> None:
    """Two blocks are too few, on whatever host."""
    pytest.importorskip("iceoryx2", reason="not installed: pip install video-shm[bench]")
    command = [*SCRIPT, "--blocks", "2", "--seconds", "0.1", "--json", "rate-64-1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as bench:
        told, _ = bench.communicate()
    assert bench.returncode == 3, told
    (case,) = json.loads(told)["cases"]
    assert case["complete"]
    assert [row.get("verdict") for row in case["rows"]] == ["invalid", "invalid", None]
    assert all(row["ratio"]["median"] > 0 for row in case["rows"])
    assert not [ring for ring in list_rings() if f"vshm-bench-{bench.pid}-" in ring]
