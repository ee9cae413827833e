# SPDX-License-Identifier: Apache-2.0
"""vshm watch: what it sums up, second by second and at the end."""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from vshm import ROOMY, Camera, vshm
from writers import Channel, wait_until

from vshm_ctypes import BorrowedFrame, Consumer, Producer
from vshm_ctypes.cli.units import sparkline
from vshm_ctypes.cli.watch.lines import HISTORY, block
from vshm_ctypes.cli.watch.second import Second
from vshm_ctypes.cli.watch.watcher import PERCENTILES, Watch
from vshm_ctypes.identity import Identity
from vshm_ctypes.latencies import Latencies
from vshm_ctypes.processes import find_users
from vshm_ctypes.published import list_published


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
    with Camera(ring, **ROOMY):
        command = [sys.executable, "-m", "vshm_ctypes", "watch", ring]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(f"{ring} live:")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.splitlines()[-1].endswith("the writer is live")
    assert err == ""


def test_a_terminal_without_bars_gets_question_marks(ring: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    name = f"{ring}é"
    command = [sys.executable, "-m", "vshm_ctypes", "show", name, "-s", "0.01"]
    with Camera(name):
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0
    assert f"{ring}?" in result.stdout


def test_a_writer_that_ends_is_a_finding(ring: str) -> None:
    command = [sys.executable, "-m", "vshm_ctypes", "watch", ring, "-t", "3", "--json"]
    with Camera(ring):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["state"] == "live"
    *_, last = process.communicate(timeout=60)[0].splitlines()
    assert json.loads(last)["summary"]["state"] == "closed"
    assert process.returncode == 1


def test_a_ring_that_is_cut_off_is_told_and_no_crash(channel: Channel, tmp_path: Path) -> None:
    """Anybody who may write to a ring can shrink it under its readers, which then get SIGBUS."""
    writer = channel.start_writer()
    wait_until(channel.ring_path.exists, "the ring is there")
    writer.kill()
    log = tmp_path / "watch.log"
    words = {"watch": ["--log", str(log)], "record": ["-o", str(tmp_path / "clip.h264"), "--reconnect"]}
    commands = [[sys.executable, "-m", "vshm_ctypes", verb, str(channel.number), *words[verb]] for verb in words]
    ring_itself = Identity.of(channel.ring_path.stat())
    with ExitStack() as stack:
        readers = [stack.enter_context(subprocess.Popen(command, stderr=subprocess.PIPE)) for command in commands]
        wait_until(lambda: len(find_users().of(ring_itself)) == len(readers), "all have joined")
        os.truncate(channel.ring_path, 0)
        for reader in readers:
            err = reader.communicate(timeout=60)[1]
            assert reader.returncode == 1
            assert b"the ring was cut off under its readers" in err
    name = f"/{channel.ring_path.name}"
    assert [one for one in list_published() if one.ring == name] == []
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert logged[-1]["text"].startswith("the ring can't be read any more: the ring was cut off")


def test_what_came_after_the_last_whole_second_counts_too(ring: str) -> None:
    with Producer(ring, slots=4) as producer:
        command = [sys.executable, "-m", "vshm_ctypes", "watch", ring, "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            producer.write(b"x")
            wait_until(lambda: [one.received for one in list_published() if one.pid == process.pid] == [1], "it came")
            process.send_signal(signal.SIGINT)
            *_, last = map(json.loads, process.communicate(timeout=60)[0].splitlines())
    assert last["summary"]["received"] == 1


class Lapped(Consumer):
    """Its first frames are written over while they are looked at."""

    def __init__(self, ring: str, producer: Producer, laps: int) -> None:
        super().__init__(ring, start="oldest")
        self._producer, self._laps = producer, laps

    def borrow(self, timeout: float | None = None) -> BorrowedFrame:
        frame = super().borrow(timeout)
        if self._laps:
            self._laps -= 1
            for _ in range(40):
                self._producer.write(b"later", keyframe=True)
        return frame


def test_a_gap_before_a_frame_that_is_written_over_counts_once(ring: str) -> None:
    with Producer(ring) as producer:
        producer.write(b"first", keyframe=True)
        with Lapped(ring, producer, 3) as stream:
            second = next(Watch(stream).seconds())
    assert second.missed_total > 80
    assert sum(event.count for event in second.events if event.event == "gap") == second.missed_total


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


@pytest.mark.parametrize("width", [39, 79, 199])
def test_a_narrow_terminal_shows_the_newest_seconds(width: int) -> None:
    usual_s = dict.fromkeys(PERCENTILES, 0.001)
    calm = Second("/cam", "live", 30.0, 1e6, usual_s, 30, 1.0, False, 0, 0, 0, 30, 0, [])
    now = replace(calm, latency_s=dict.fromkeys(PERCENTILES, 0.1))
    lines = block(now, [calm] * (HISTORY - 1) + [now], width)
    assert all(len(line) <= width for line in lines)
    told = [line for line in lines if line.startswith("latency")]
    assert [line[-2:] for line in told] == ["▁█"] * len(PERCENTILES)


def test_a_sparkline_goes_from_zero_to_the_largest() -> None:
    assert sparkline([0, 1, 2, 4]) == "▁▃▅█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""
