# SPDX-License-Identifier: Apache-2.0
"""One watch of the host for all that measures: it sees stalls and others' load, and says what they mean."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time

import psutil
import pytest
from writers import wait_until

pytest.importorskip("hdrh", reason="not installed: pip install video-shm[hil]")

from hil.host import foreign_load
from hil.host.board import find_board
from hil.host.watch import HostWatch

THRESHOLDS = dataclasses.replace(
    find_board("generic").fitness, longest_stall_ms=1e9, stalled_share=1.0, steal_share=1.0, foreign_share=1.0
)
BURN = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def test_a_watch_sees_the_host_until_it_is_asked() -> None:
    with HostWatch() as watch:
        time.sleep(0.05)
        seen = watch.take()
    assert seen.stalls.end_ns - seen.stalls.begin_ns >= 50_000_000
    assert seen.stalls.histogram.count > 0
    assert seen.fitness(THRESHOLDS).fit or seen.fitness(THRESHOLDS).reasons[0].startswith(
        ("the board", "under-voltage")
    )


def test_what_it_saw_is_held_against_the_thresholds() -> None:
    with HostWatch() as watch:
        seen = watch.take()
    seen = dataclasses.replace(seen, others_share=0.3)
    told = seen.fitness(dataclasses.replace(THRESHOLDS, foreign_share=0.1)).reasons
    assert "programs that are not ours used 30% of the processors' time (at most 10%)" in told


def test_what_we_started_is_no_load_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    usages: list[foreign_load.Usage] = []
    look = foreign_load.read_usage

    def noted() -> foreign_load.Usage:
        usages.append(look())
        return usages[-1]

    monkeypatch.setattr(foreign_load, "read_usage", noted)
    with HostWatch() as watch:
        subprocess.run([sys.executable, "-c", BURN], check=True)
        watch.take()
    begin, end = usages
    assert end.own_s - begin.own_s >= 0.3


def test_nothing_of_it_is_left() -> None:
    with HostWatch():
        (process,) = [child for child in psutil.Process().children() if "hil.host.hiccup_watch" in child.cmdline()]
    wait_until(lambda: not process.is_running(), "the control has ended")
