# SPDX-License-Identifier: Apache-2.0
"""tests/bench/endurance.py: what it calls flat, and what it finds where something grows."""

from __future__ import annotations

import sys

import numpy
import pytest
from writers import ROOT

pytest.importorskip("hdrh", reason="not installed: pip install video-shm[hil]")

sys.path.insert(0, str(ROOT / "tests" / "bench"))

from endurance import Report, judge_growth, judge_latency, minutes

from hil.workers.life import Life, Sample

SECONDS = 3480
MB = 1_000_000


def life(**slopes: float) -> Life:
    """Return a process's samples, one every five seconds. slopes: how fast something grows, per second."""

    def sample(at_s: int) -> Sample:
        base = {"pss_bytes": 5 * MB, "rss_bytes": 30 * MB, "descriptors": 7, "threads": 1, "mappings": 90}
        values = {name: round(value + at_s * slopes.get(name, 0)) for name, value in base.items()}
        return Sample(at_s * 10**9, cpu_s=0, voluntary_switches=0, involuntary_switches=0, **values)

    return Life(0, 0, 0, True, "", [sample(at_s) for at_s in range(0, SECONDS, 5)])


def wrong_growth(**slopes: float) -> list[str]:
    report = Report()
    judge_growth(report, "reader", life(**slopes), settled_s=120)
    return report.wrong


def test_what_stays_as_it_is_is_flat() -> None:
    assert wrong_growth() == []


@pytest.mark.parametrize(
    ("name", "each_second"),
    [
        ("descriptors", 30),  # one with each frame
        ("descriptors", 1 / 900),
        ("threads", 1 / 900),
        ("mappings", 1 / 900),
        ("rss_bytes", 30 * 8),
        ("pss_bytes", 30 * 40),
    ],
)
def test_what_grows_slowly_is_found(name: str, each_second: float) -> None:
    [line] = wrong_growth(**{name: each_second})
    assert line.startswith(f"reader: {name} grew by ")


def pings(us: float, last_times: float, busy: bool = False, seed: int = 0) -> numpy.typing.NDArray[numpy.int64]:
    """Return pings at 30 a second, last_times as late in the last quarter, and twice that on a busy host."""
    dice = numpy.random.default_rng(seed)
    at_s = numpy.arange(0, SECONDS, 1 / 30)
    latency_us = us * dice.lognormal(0, 0.5, len(at_s))
    latency_us[at_s > SECONDS * 3 / 4] *= last_times * (2 if busy else 1)
    return numpy.column_stack([at_s * 1e9, latency_us * 1000]).astype("i8")


def judged(reader_times: float, control_times: float = 1, busy: bool = False) -> Report:
    report = Report()
    control = pings(200, control_times, busy, seed=1)
    judge_latency(report, {"c": pings(300, reader_times, busy)}, control, minutes(0, SECONDS * 10**9))
    return report


def test_a_host_that_grows_busy_is_no_drift() -> None:
    report = judged(1, busy=True)
    assert report.drift["p50"]["c"]["times"] > 1.9
    assert (report.wrong, report.unfit) == ([], [])


def test_latency_that_grows_is_found_also_on_a_busy_host() -> None:
    for busy in (False, True):
        report = judged(2.5, busy=busy)
        assert [line.split(" of ")[0] for line in report.wrong] == ["c: p50", "c: p99"]


def test_a_host_that_changed_too_much_is_not_judged() -> None:
    report = judged(10, control_times=10)
    assert report.wrong == []
    assert len(report.unfit) == 2
