# SPDX-License-Identifier: Apache-2.0
"""vshm watch --log and vshm plot: what is written, rotated, read again and drawn."""

import gzip
import importlib.util
import json
import math
import signal
import subprocess
from array import array
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from vshm import Camera, payload, vshm
from watch_logs import WATCH, event, lines_of, second, written
from writers import Channel, wait_until

from vshm_ctypes import Consumer, Flag, Producer, inspect
from vshm_ctypes.cli.events import board_events, frame_events, ring_events
from vshm_ctypes.cli.plot.log import parts, read_log, thin
from vshm_ctypes.cli.watch.log import RotatedFile, WatchLog, rounded
from vshm_ctypes.info import State
from vshm_ctypes.machine import Throttling, read_machine

drawn = pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="needs matplotlib: ci/bootstrap")


# ---- the log ----


def test_a_log_has_a_line_for_each_second(ring: str, tmp_path: Path) -> None:
    log = tmp_path / "watch.log"
    with Camera(ring, fps=50, gop=10):
        told = [
            json.loads(line) for line in vshm("watch", ring, "-t", "2", "--json", "--log", str(log)).out.splitlines()
        ]
    logged = lines_of(log)
    assert len(logged) == len(told) - 1 == 2
    for line, shown in zip(logged, told, strict=False):
        assert line["ring"] == ring
        assert line["fps"] == pytest.approx(shown["fps"], rel=1e-3)
        assert line["latency_s"]["99"] == pytest.approx(shown["latency_s"]["99"], rel=1e-3)
    assert logged[1]["time"] - logged[0]["time"] > 0.5


def watched(channel: Channel, log: Path, happen: Callable[["subprocess.Popen[bytes]"], None]) -> list[dict[str, Any]]:
    """Return what is logged of a channel while something happens to it."""
    with subprocess.Popen([*WATCH, str(channel.number), "--log", log], stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: log.exists() and len(lines_of(log)) >= 1, "the watch has begun")
            happen(process)
            process.send_signal(signal.SIGINT)
            process.wait(60)
        finally:
            process.kill()
    return lines_of(log)


def test_a_restart_becomes_an_event(channel: Channel, tmp_path: Path) -> None:
    log = tmp_path / "watch.log"
    first = channel.start_writer()
    wait_until(channel.ring_path.exists, "the writer is there")

    def restart(watch: object) -> None:
        first.kill()
        wait_until(lambda: any(line.get("event") == "state" for line in lines_of(log)), "its death is told")
        channel.start_writer()
        wait_until(lambda: any(line.get("event") == "restart" for line in lines_of(log)), "the restart is told")

    told = watched(channel, log, restart)
    events = [line for line in told if line.get("event", "gap") != "gap"]
    assert [line["event"] for line in events][:2] == ["state", "restart"]
    assert "dead" in events[0]["text"]


def test_a_gap_becomes_an_event_with_what_was_lost(channel: Channel, tmp_path: Path) -> None:
    log = tmp_path / "watch.log"
    channel.start_writer(fps=500)
    wait_until(channel.ring_path.exists, "the writer is there")

    def fall_behind(watch: "subprocess.Popen[bytes]") -> None:
        watch.send_signal(signal.SIGSTOP)
        then = inspect(channel.number).frames
        wait_until(lambda: inspect(channel.number).frames > then + 100, "the writer laps it")
        watch.send_signal(signal.SIGCONT)
        wait_until(lambda: seconds_after_gap() > 1, "the gap is told, and the next second")

    def seconds_after_gap() -> int:
        kinds = [line.get("event") for line in lines_of(log)]
        return kinds[kinds.index("gap") :].count(None) if "gap" in kinds else 0

    logged = watched(channel, log, fall_behind)
    lost = sum(line["count"] for line in logged if line.get("event") == "gap")
    assert lost >= 100 - 30
    assert lost == max(line.get("missed_total", 0) for line in logged)


def test_events_between_two_looks_at_a_ring(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        producer.write(payload(0))
        info = inspect(ring)
        (dropped,) = ring_events(info, info._replace(dropped=info.dropped + 4))
        (died,) = ring_events(info, info._replace(state=State.DEAD))
        for other in (info._replace(inode=info.inode + 1), info._replace(device=info.device + 1)):
            assert not list(ring_events(info, other._replace(dropped=4)))  # another ring's count
        with stream.borrow(timeout=60) as frame:
            assert list(frame_events(frame, info, info)) == []
    assert (dropped.event, dropped.count) == ("dropped", 4)
    assert (died.event, died.text) == ("state", "the writer is dead")


def test_trouble_at_the_source_is_no_restart(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        with producer.reserve() as slot:
            slot.data[0] = 1
            slot.commit(1, flags=Flag.DISCONTINUITY)
        info = inspect(ring)
        with stream.borrow(timeout=60) as frame:
            (same,) = frame_events(frame, info, info)
            (other,) = frame_events(frame, info, info._replace(epoch=info.epoch + 1))
    assert (same.event, other.event) == ("discontinuity", "restart")


def test_throttling_becomes_an_event_when_it_begins_and_when_it_ends() -> None:
    fine = replace(read_machine(), throttling=Throttling(0))
    slow = replace(fine, throttling=Throttling.THROTTLED | Throttling.THROTTLED_OCCURRED)
    assert [one.text for one in board_events(fine, slow)] == ["throttled begins"]
    assert [one.text for one in board_events(slow, replace(slow, throttling=Throttling.THROTTLED_OCCURRED))] == [
        "throttled ends"
    ]
    sensor = replace(fine, throttling=None, under_voltage=False)
    assert [one.text for one in board_events(sensor, replace(sensor, under_voltage=True))] == ["under voltage begins"]
    silent = replace(slow, throttling=None, under_voltage=None)  # its firmware did not answer in time
    assert list(board_events(slow, silent)) == list(board_events(silent, slow)) == []


def test_a_full_log_is_rotated_packed_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "watch.log"
    with WatchLog(path, RotatedFile(path, part_bytes=2000, parts=3)) as log:
        for number in range(100):
            log._write(second(1000.0 + number))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["watch.log", *(f"watch.log.{n}.gz" for n in (1, 2, 3))]
    assert [one.name for one in parts(path)] == ["watch.log.3.gz", "watch.log.2.gz", "watch.log.1.gz", "watch.log"]
    times = list(read_log(path).times)
    assert times == [1100.0 - len(times) + number for number in range(len(times))]
    assert len(times) > 30


def test_a_disk_that_is_full_is_told_once_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with WatchLog(tmp_path / "unused", RotatedFile(Path("/dev/full"))) as log:
        for number in range(5):
            log._write(second(float(number)))
    assert capsys.readouterr().err.count("No space left") == 1


def test_a_log_that_can_not_be_written_is_told(ring: str, tmp_path: Path) -> None:
    with Camera(ring):
        outcome = vshm("watch", ring, "--log", str(tmp_path / "no" / "watch.log"))
    assert (outcome.code, "No such file" in outcome.err) == (1, True)


def test_figures_are_kept_to_four_digits() -> None:
    assert rounded({"a": 123456.0, "b": {"c": 0.000123456}, "d": 0.0, "e": 7}) == {
        "a": 123500.0,
        "b": {"c": 0.0001235},
        "d": 0,
        "e": 7,
    }


# ---- reading it again ----


def test_what_is_no_line_of_a_log_is_left_out_and_counted(tmp_path: Path) -> None:
    good = second(1.0), event(2.0), second(3.0, fps=None)
    bad = (
        "",
        "no json",
        "[]",
        '{"time": 1}',
        second(4.0, fps="fast"),
        second(float("inf")),
        second(5.0, ring="/another"),
        second(6.0, latency_s=[1]),
        event(7.0, "bang"),
        "[" * 50_000,
        "x" * 100_000,
    )
    log = read_log(written(tmp_path / "log", *good, *bad))
    assert list(log.times) == [1.0, 3.0]
    assert math.isnan(log.columns["frame rate"][1])
    assert [one.time for one in log.events] == [2.0]
    assert log.unreadable >= len(bad)


def test_a_part_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = gzip.compress("".join(json.dumps(second(float(n))) + "\n" for n in range(2000)).encode())
    (tmp_path / "log.1.gz").write_bytes(whole[: len(whole) // 2])
    log = read_log(written(tmp_path / "log", second(5000.0)))
    assert log.times[0] == 0.0
    assert log.times[-1] == 5000.0
    assert 2 < len(log.times) < 2001


def test_thinning_keeps_the_extremes_and_leaves_holes() -> None:
    times, values = array("d", [0, 1, 2, 3, 8, 9]), array("d", [1, 5, 3, math.nan, 2, 4])
    curve = thin(times, values, 3)
    assert (curve.low[0], curve.mean[0], curve.high[0]) == (1, 3, 5)
    assert math.isnan(curve.mean[1])
    assert (curve.low[2], curve.high[2]) == (2, 4)


# ---- vshm plot ----


def test_the_sketch_shows_curves_extremes_and_events(tmp_path: Path) -> None:
    lines = [second(1000.0 + n, fps=10.0 if n == 50 else 30.0) for n in range(100)]
    outcome = vshm("plot", str(written(tmp_path / "log", *lines, event(1050.0, text="a\x1b[31m"))))
    assert outcome.code == 0
    rate = next(line for line in outcome.out.splitlines() if line.startswith("frame rate"))
    assert rate.endswith("10 .. 30")
    assert rate.count("▃") == 1  # the worst of its stretch, however short it was
    assert "gap: a\\x1b[31m" in outcome.out


def test_a_file_that_is_no_log_is_told(tmp_path: Path) -> None:
    outcome = vshm("plot", str(written(tmp_path / "log", "hello")))
    assert (outcome.code, "holds no line" in outcome.err) == (2, True)


@drawn
def test_a_picture_has_the_charts_and_the_events(tmp_path: Path) -> None:
    path = written(tmp_path / "log", *(second(1000.0 + n) for n in range(50)), event(1020.0), event(1030.0, "restart"))
    assert vshm("plot", str(path), "-o", str(tmp_path / "log.svg")).code == 0
    root = ElementTree.parse(tmp_path / "log.svg").getroot()
    text = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    marks = {element.get("id") for element in root.iter() if str(element.get("id")).startswith("events-")}
    assert {"/r", "frame rate, fps", "latency, ms", "missed, frames a second"} <= set(text)
    assert "temperature, °C" not in text  # nothing told it
    assert marks == {"events-gap", "events-restart"}


@drawn
def test_a_page_has_the_picture_and_nothing_that_an_event_could_slip_in(tmp_path: Path) -> None:
    path = written(tmp_path / "log", second(1.0), second(2.0), event(1.5, text="<script>alert(1)</script>"))
    assert vshm("plot", str(path), "-o", str(tmp_path / "log.html")).code == 0
    page = (tmp_path / "log.html").read_text()
    assert "<svg" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page


def test_a_picture_of_another_kind_is_refused(tmp_path: Path) -> None:
    outcome = vshm("plot", str(written(tmp_path / "log", second(1.0))), "-o", str(tmp_path / "log.gif"))
    assert (outcome.code, ".svg" in outcome.err) == (2, True)
