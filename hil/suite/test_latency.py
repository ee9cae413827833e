# SPDX-License-Identifier: Apache-2.0
"""Measures how long a frame takes from the writer's call to the reader's return, against the board's budgets."""

from __future__ import annotations

from typing import Any

import pytest

from hil.figures.measurement import Measurement
from hil.fleet import FleetResult
from hil.host.load import LoadKind
from hil.host.priority import Priority, is_permitted
from hil.report.recorder import RecordedTest
from hil.suite.rig import Rig, cpu_us_per_frame, histogram_of, put_on_record

pytestmark = [pytest.mark.timed, pytest.mark.ring]

PERCENTILES = {"p50": 50.0, "p99": 99.0, "max": 100.0}
COUNTS = [1, 4, 10]  # consumers
AT_THE_RATE = [1, 4, pytest.param(10, marks=pytest.mark.long)]


def under_load(load: LoadKind, priority: Priority, count: int) -> Any:
    """Return one case; all but one are marked as long."""
    marks = [] if (load, priority, count) == ("cpu", "normal", 4) else [pytest.mark.long]
    if load == "disk":  # the kernel occupies a processor for milliseconds while it writes
        marks.append(pytest.mark.own_stalls)
    return pytest.param(load, priority, count, marks=marks)


LOADS: list[LoadKind] = ["cpu", "memory", "disk"]
CASES = [under_load(load, "normal", count) for load in LOADS for count in COUNTS]
CASES += [under_load("cpu", "niced", 4), under_load("cpu", "realtime", 4)]


def put_latency(record: RecordedTest, rig: Rig, result: FleetResult, load: str) -> None:
    """Record the worst value of all consumers against the budget."""
    key = rig.board.latency_key(len(result.consumers), load)
    histograms = [histogram_of(result.latencies_ns(consumer)) for consumer in result.consumers]
    for name, percent in PERCENTILES.items():
        worst_us = max(histogram.percentile(percent) for histogram in histograms) / 1000
        record.measure(rig.board.measurement(f"{key}.{name}_us", f"latency {name} of the slowest consumer", worst_us))
    count = min(histogram.count for histogram in histograms)
    record.measure(Measurement("frames that every consumer got", "frames", count, at_least=1))


@pytest.mark.parametrize("count", AT_THE_RATE)
def test_latency_at_the_cameras_rate(rig: Rig, record: RecordedTest, count: int) -> None:
    """At the camera's rate, a frame reaches every consumer within the board's budget.

    Would catch: a wake-up that is lost or comes late, readers that wait for each other, a copy too many.
    """
    result = rig.run("c " * count)
    wrong = put_on_record(record, result)
    put_latency(record, rig, result, "none")
    cost_us = max(cpu_us_per_frame(consumer) for consumer in result.consumers)
    key = "cost.reader_cpu_us_per_frame"
    record.measure(rig.board.measurement(key, "CPU per frame of the costliest reader", cost_us))
    assert wrong == []


@pytest.mark.parametrize(("load", "priority", "count"), CASES)
def test_latency_under_load(rig: Rig, record: RecordedTest, load: LoadKind, priority: Priority, count: int) -> None:
    """Under load, latency stays within the board's budget, and no frame is lost, altered or unaccounted for.

    Would catch: a reader that spins or polls, a writer that waits for a reader which the scheduler holds back.
    """
    if not is_permitted(priority):
        pytest.skip(f"{priority} priority is not permitted: run as root, or with ulimit -r 10")
    result = rig.run("c " * count, load=load, priority=priority)
    wrong = put_on_record(record, result)
    put_latency(record, rig, result, load)
    assert wrong == []
