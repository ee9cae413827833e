# SPDX-License-Identifier: Apache-2.0
"""Runs for hours, to show what grows a little with each frame: hil run --seconds 3600 -k soak."""

from __future__ import annotations

import numpy
import pytest

from hil.figures.measurement import Measurement
from hil.fleet import FleetResult
from hil.report.recorder import RecordedTest
from hil.suite.rig import Rig, put_on_record
from hil.workers.life import Life

pytestmark = [pytest.mark.long, pytest.mark.timed, pytest.mark.medians]

FIVE_MINUTES_S = 300.0
SAMPLE_EVERY_S = 2.0
# Samples of the first minute, in which the most pictures that are ever in flight are allocated. Their memory is kept,
# and grows in steps of a picture; what grows with each frame continues afterwards.
SETTLED = 30


def lives(result: FleetResult) -> list[tuple[str, Life]]:
    """Return all processes, with their names."""
    named: list[tuple[str, Life]] = [("camera-streamer", life) for life in result.writer.lives]
    return named + [(consumer.name, life) for consumer in result.consumers for life in consumer.lives]


def growth(life: Life, field: str) -> float:
    """Return the growth from the first quarter's median to the last quarter's, after the first minute."""
    values = [getattr(sample, field) for sample in life.samples[SETTLED:]]
    quarter = max(len(values) // 4, 1)
    return float(numpy.median(values[-quarter:]) - numpy.median(values[:quarter]))


def drift(latency_ns: numpy.typing.NDArray[numpy.int64]) -> float:
    """Return the ratio of the last quarter's median to the first quarter's."""
    quarter = max(len(latency_ns) // 4, 1)
    return float(numpy.median(latency_ns[-quarter:]) / max(numpy.median(latency_ns[:quarter]), 1))


def test_a_soak_leaks_nothing_and_does_not_drift(rig: Rig, record: RecordedTest) -> None:
    """Over five minutes, or as long as is asked for, memory, descriptors and threads do not grow, and latency does
    not drift.

    Would catch: a leak of a few bytes for each frame, a descriptor for each reconnection, a queue that fills slowly.
    """
    result = rig.run("c for borrow asyncio", rig.time_s(FIVE_MINUTES_S), sample_every_s=SAMPLE_EVERY_S)
    wrong = put_on_record(record, result)
    for name, life in lives(result):
        record.measure(
            rig.board.measurement(
                "memory.growth_kb", f"memory growth of {name}", growth(life, "rss_bytes") / 1000, timed=False
            ),
            Measurement(f"additional descriptors of {name}", "descriptors", growth(life, "descriptors"), at_most=0),
            Measurement(f"additional threads of {name}", "threads", growth(life, "threads"), at_most=0),
        )
    for consumer in result.consumers:
        ratio = drift(result.latencies_ns(consumer))
        record.measure(Measurement(f"drift of latency at {consumer.name}", "times", ratio, at_most=2.0, timed=True))
    assert wrong == []
