# SPDX-License-Identifier: Apache-2.0
"""vshm watch: what it sums up, second by second and at the end."""

import json
import signal
import subprocess
import sys

import pytest
from vshm import Camera, vshm

from vshm_ctypes.cli.latencies import Latencies
from vshm_ctypes.cli.units import sparkline


def test_watch_tells_rate_key_interval_and_latency(ring: str) -> None:
    with Camera(ring, fps=50, gop=10):
        outcome = vshm("watch", ring, "-t", "2", "--json")
    *seconds, last = map(json.loads, outcome.out.splitlines())
    assert outcome.code == 0
    assert len(seconds) == 2
    for second in seconds:
        assert second["key_interval"] == 10
        assert second["bit_rate"] == pytest.approx(second["fps"] * 8000)
        assert 0 < second["latency_s"]["50"] <= second["latency_s"]["90"] <= second["latency_s"]["99"]
        assert (second["missed"], second["state"]) == (0, "live")
    assert last["summary"]["received"] == pytest.approx(sum(second["fps"] for second in seconds), abs=10)


def test_ctrl_c_ends_a_watch_with_a_summary(ring: str) -> None:
    with Camera(ring):
        command = [sys.executable, "-m", "vshm_ctypes", "watch", ring]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(f"{ring} live:")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.splitlines()[-1].endswith("the writer is live")
    assert err == ""


def test_a_writer_that_ends_is_a_finding(ring: str) -> None:
    command = [sys.executable, "-m", "vshm_ctypes", "watch", ring, "-t", "3", "--json"]
    with Camera(ring):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["state"] == "live"
    *_, last = process.communicate(timeout=60)[0].splitlines()
    assert json.loads(last)["summary"]["state"] == "closed"
    assert process.returncode == 1


def test_percentiles_are_those_of_the_values_to_two_percent() -> None:
    latencies = Latencies()
    assert latencies.percentile_s(50) is None
    for microseconds in range(1, 1001):
        latencies.add(microseconds * 1000)
    for percent in (1, 50, 90, 99, 100):
        assert latencies.percentile_s(percent) == pytest.approx(percent * 10 / 1e6, rel=0.02)
    twice = Latencies()
    twice.merge(latencies)
    twice.merge(latencies)
    assert (len(twice), twice.percentile_s(90)) == (2000, latencies.percentile_s(90))


def test_a_sparkline_goes_from_zero_to_the_largest() -> None:
    assert sparkline([0, 1, 2, 4]) == "▁▃▅█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""
