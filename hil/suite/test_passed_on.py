# SPDX-License-Identifier: Apache-2.0
"""The claims about a ring that is passed on, such as one that vshm relay has imported from another machine."""

from __future__ import annotations

import pytest

from hil.figures.measurement import Measurement
from hil.report.recorder import RecordedTest
from hil.suite.rig import Rig, histogram_of, put_on_record

pytestmark = [pytest.mark.passed_on]


def test_what_the_ring_has_arrives_with_its_times(rig: Rig, record: RecordedTest) -> None:
    """What is in the ring reaches a reader whole, not before its capture; how late, and with what gaps, is told.

    Would catch: times of capture that were not translated into this machine's clock, pictures lost on the way here.
    """
    result = rig.run("c", rig.time_s(10))
    wrong = put_on_record(record, result)
    [reader] = result.consumers
    received = reader.received[reader.received["awake_ns"] >= result.begin_ns]
    late_ns = received["awake_ns"] - received["capture_ns"]
    histogram = histogram_of(late_ns)
    record.histogram("from capture elsewhere to the reader here", histogram)
    [life] = result.writer.lives
    assert life.summary is not None
    camera = life.summary["camera"]
    record.measure(
        Measurement("frames that the reader got", "frames", len(received), at_least=1),
        Measurement("from capture to the reader, p50", "ms", histogram.percentile(50) / 1e6),
        Measurement("from capture to the reader, p99", "ms", histogram.percentile(99) / 1e6),
        Measurement("from capture to the reader, max", "ms", histogram.percentile(100) / 1e6),
        # Within the clock's uncertainty, which is half of the shortest round trip.
        Measurement("from capture to the reader, least", "ms", float(late_ns.min()) / 1e6, at_least=-100.0),
        Measurement("frames that were not read in time", "frames", int(camera.get("missed", 0)), exactly=0),
        Measurement("gaps in the ring", "gaps", int(camera.get("discontinuities", 0))),
    )
    assert wrong == []
