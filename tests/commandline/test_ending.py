# SPDX-License-Identifier: Apache-2.0
"""What each command does when it is told to end, also as process 1, and when nobody reads it any more."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from endings import AS_PROCESS_1, SIGNALS, filming, heeds, needs_root, pid_of, started
from vshm import ROOMY, TIMEOUT_S, Camera
from writers import SHARED_MEMORY, wait_until

IGNORING = ("env", "--ignore-signal=INT", "--ignore-signal=TERM", "--ignore-signal=HUP")


@pytest.mark.parametrize("before", [(), AS_PROCESS_1], ids=["", "process 1"])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_watch_ends_with_its_summary_and_its_log_whole(
    ring: str, tmp_path: Path, number: signal.Signals, before: Sequence[str]
) -> None:
    needs_root(before)
    log = tmp_path / "watch.log"
    with Camera(ring, **ROOMY), started("watch", ring, "--json", "--log", str(log), before=before) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["ring"] == ring
        os.kill(pid_of(process, before), number)
        out, err = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out.splitlines()[-1])["summary"]["received"] > 0
    assert [json.loads(line)["ring"] for line in log.read_text().splitlines()] == [ring] * len(out.splitlines())


@pytest.mark.parametrize("before", [(), AS_PROCESS_1], ids=["", "process 1"])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_recording_ends_with_a_file_as_long_as_its_summary_says(
    ring: str, tmp_path: Path, number: signal.Signals, before: Sequence[str]
) -> None:
    """However fast frames come, and wherever it just was."""
    needs_root(before)
    clip = tmp_path / "clip.mjpeg"
    with filming(ring) as size, started("record", ring, "-o", str(clip), "--json", before=before) as process:
        wait_until(lambda: clip.exists() and clip.stat().st_size > 10_000, "it records")
        os.kill(pid_of(process, before), number)
        out, err = process.communicate(timeout=TIMEOUT_S)
    recording = json.loads(out)
    assert recording["ended"] == "interrupt", err
    assert clip.stat().st_size == recording["bytes"] == size * recording["frames"]


@pytest.mark.parametrize("verb", ["list", "show", "check", "bundle"])
@pytest.mark.parametrize("number", SIGNALS)
def test_what_has_nothing_to_tell_yet_ends_with_130(
    ring: str, tmp_path: Path, verb: str, number: signal.Signals
) -> None:
    words = {"bundle": ["-o", str(tmp_path / "case.tar.zst")], "show": [ring], "check": [ring]}.get(verb, [])
    with Camera(ring), started(verb, *words, "--seconds", "60") as process:
        wait_until(lambda: heeds(process.pid), "it heeds signals")
        process.send_signal(number)
        assert process.communicate(timeout=TIMEOUT_S) == ("", "")
    assert process.returncode == 130
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("before", [(), AS_PROCESS_1], ids=["", "process 1"])
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("verb", ["serve", "export"])
def test_a_server_ends_well(verb: str, number: signal.Signals, before: Sequence[str]) -> None:
    pytest.importorskip({"serve": "aiohttp", "export": "prometheus_client"}[verb])
    needs_root(before)
    with started(verb, "--port", "0", before=before) as process:
        assert process.stdout is not None
        assert "http" in process.stdout.readline()
        os.kill(pid_of(process, before), number)
        assert process.communicate(timeout=TIMEOUT_S) == ("", "")
    assert process.returncode == 0


def test_a_text_file_for_monitoring_is_gone_with_its_exporter(tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    path = tmp_path / "vshm.prom"
    with started("export", "-o", str(path), "--every", "0.001") as process:
        wait_until(path.exists, "the file is there")
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
    assert not list(tmp_path.iterdir())


def test_what_is_ignored_stays_so_but_for_the_request_to_terminate(ring: str) -> None:
    """nohup ignores SIGHUP; a shell's background job ignores SIGINT."""
    with Camera(ring, **ROOMY), started("watch", ring, "--json", before=IGNORING) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for number in (signal.SIGINT, signal.SIGHUP):
            assert not heeds(process.pid, number)
            process.send_signal(number)
        for _ in range(2):
            assert "state" in json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=TIMEOUT_S)
    assert "summary" in json.loads(out.splitlines()[-1])
    assert process.returncode == 0


@pytest.mark.parametrize("before", [(), AS_PROCESS_1], ids=["", "process 1"])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_camera_streamer_ends_with_its_books(ring: str, number: signal.Signals, before: Sequence[str]) -> None:
    pytest.importorskip("av")
    needs_root(before)
    words = ("--device", "testsrc:320x240@30", "--channel", f"{ring}:", "--stats")
    with started(*words, before=before, program="hil.streamer") as process:
        wait_until((SHARED_MEMORY / ring[1:]).exists, "its ring is there")
        os.kill(pid_of(process, before), number)
        out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, err
    assert json.loads(out)["channels"][ring]["imbalance"] is None
    assert not (SHARED_MEMORY / ring[1:]).exists()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_camera_streamer_that_still_waits_ends_too(number: signal.Signals) -> None:
    pytest.importorskip("av")
    with started("--device", "file:/nonexistent/clip.mp4", "--wait", program="hil.streamer") as process:
        assert process.stderr is not None
        assert "tried again" in process.stderr.readline()
        process.send_signal(number)
        assert process.wait(TIMEOUT_S) == 0


# ---- readers that have enough, terminals that are gone ----


@pytest.mark.parametrize("words", [["list"], ["check"], ["list", "--json"], ["--help"]])
def test_a_reader_that_has_enough_ends_it_quietly(ring: str, words: list[str]) -> None:
    with Camera(ring), started(*words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        process.wait(TIMEOUT_S)
    assert process.returncode in (0, 1)  # 120: the interpreter could not end well


def test_an_error_that_nobody_can_read_keeps_its_exit_code(ring: str) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "vshm_ctypes", "show", ring]
        assert subprocess.run(command, stderr=full, timeout=TIMEOUT_S, check=False).returncode == 3
