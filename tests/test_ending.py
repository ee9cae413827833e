# SPDX-License-Identifier: Apache-2.0
"""Being told to end: by Ctrl-C, a service manager or a closed terminal, once, twice, or as process 1."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from children import run, running
from vshm import TIMEOUT_S, Camera
from writers import SHARED_MEMORY, meanwhile, wait_until

from vshm_ctypes import Codec, Producer

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AS_PROCESS_1 = ("unshare", "--fork", "--pid", "--mount-proc")
IGNORING = ("env", "--ignore-signal=INT", "--ignore-signal=TERM", "--ignore-signal=HUP")


@contextmanager
def started(*words: str, before: Sequence[str] = (), program: str = "vshm_ctypes") -> Iterator["subprocess.Popen[str]"]:
    """vshm, by the command before."""
    command = [*before, sys.executable, "-m", program, *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def filming(ring: str) -> Iterator[int]:
    """Writes pictures that can be recorded, faster than any reader waits; how large each is."""
    pytest.importorskip("av")
    from jpegs import jpeg

    picture = jpeg()
    with Producer(ring) as producer:

        def write() -> None:
            producer.write(picture, keyframe=True, codec=Codec.JPEG)

        with meanwhile(write, 0.0005):
            yield len(picture)


def pid_of(process: "subprocess.Popen[str]", before: Sequence[str]) -> int:
    """Of vshm itself, which unshare has forked."""
    if before != AS_PROCESS_1:
        return process.pid
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_until(lambda: children.read_text() != "", "unshare has forked")
    return int(children.read_text())


def heeds(pid: int, number: int = signal.SIGTERM) -> bool:
    """Whether the process has a handler for a signal."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt")]
    return bool(int(line.split()[1], 16) >> (number - 1) & 1)


def needs_root(before: Sequence[str]) -> None:
    if before == AS_PROCESS_1 and os.geteuid() != 0:
        pytest.skip("needs root, for a pid namespace")


@pytest.mark.parametrize("before", [(), AS_PROCESS_1], ids=["", "process 1"])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_watch_ends_with_its_summary_and_its_log_whole(
    ring: str, tmp_path: Path, number: signal.Signals, before: Sequence[str]
) -> None:
    needs_root(before)
    log = tmp_path / "watch.log"
    with Camera(ring), started("watch", ring, "--json", "--log", str(log), before=before) as process:
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
    clip = tmp_path / "clip.h264"
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
    with Camera(ring), started("watch", ring, "--json", before=IGNORING) as process:
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


# ---- once, twice ----

WORKS = """
import os, signal, sys, time
from vshm_ctypes.cli.ending import End, heeding
end = End()
with heeding(end.set, requests=int(sys.argv[1])):
    print("ready", flush=True)
    end.wait(60)
    print("ending", flush=True)
    sys.stdin.readline()
print("whole", flush=True)
"""


@pytest.mark.parametrize("before", [(), AS_PROCESS_1], ids=["", "process 1"])
def test_who_tells_again_does_not_want_to_wait(before: Sequence[str]) -> None:
    needs_root(before)
    with running(WORKS, "1", before=before) as process:
        pid = pid_of(process, before)
        assert process.stdout is not None
        os.kill(pid, signal.SIGTERM)
        assert process.stdout.readline() == "ending\n"
        while process.poll() is None:  # what comes too soon is the same request
            os.kill(pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.2)
        assert process.returncode == (130 if before else -signal.SIGINT)
        assert process.stdout.read() == ""


def test_one_request_may_come_twice(ring: str) -> None:
    """As of timeout(1), which signals its child, and then its group, to which the child belongs."""
    with running(WORKS, "1") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "ending\n"
        process.send_signal(signal.SIGTERM)
        process.stdin.close()
        assert process.stdout.read() == "whole\n"
        assert process.wait(TIMEOUT_S) == 0


def test_a_recording_into_a_pipe_that_nobody_empties_ends_too(ring: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with filming(ring), started("record", ring, "-o", str(pipe), "--json") as process:
        reader = os.open(pipe, os.O_RDONLY)
        try:
            wait_until(
                lambda: Path(f"/proc/{process.pid}/wchan").read_text().endswith("pipe_write"), "the pipe is full"
            )
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=TIMEOUT_S)
        finally:
            os.close(reader)
    assert json.loads(out)["ended"] == "interrupt"


STORM = """
import os, signal, threading
from vshm_ctypes.cli.ending import End, heeding
for _ in range(300):
    end = End()
    with heeding(end.set):
        killer = threading.Thread(target=os.kill, args=[os.getpid(), signal.SIGTERM])
        killer.start()
        while not end.wait(0.00001):
            pass
        killer.join()
print("whole")
"""


def test_an_end_may_come_at_any_moment_of_waiting_for_it() -> None:
    assert run(STORM) == "whole\n"


SWALLOWED = """
import ctypes, signal, sys, time, weakref
from vshm_ctypes.cli.ending import heeding

class Gone:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

class Object:
    pass

def told(*_):
    signal.raise_signal(signal.SIGTERM)

def collected():
    watched = Object()
    reference = weakref.ref(watched, told)
    del watched

def executed():
    exec("signal.raise_signal(signal.SIGTERM)")

c_code = ctypes.CFUNCTYPE(None)(told)
ways = {"finaliser": Gone, "weak reference": collected, "callback of C code": c_code, "text": executed}
try:
    with heeding():
        ways[sys.argv[1]]()
        time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("way", ["finaliser", "weak reference", "callback of C code", "text"])
def test_an_interruption_can_be_caught_wherever_it_comes(way: str) -> None:
    """Imports are full of such callbacks, and of texts that are executed: in the one it is lost, in the other it ends
    the process by SIGINT in the end."""
    assert run(SWALLOWED, way) == "interrupted\n"


EARLY = """
import signal
from vshm_ctypes.cli.main import main

install = signal.signal

def told_at_once(number, handler):
    before = install(number, handler)
    if number == signal.SIGTERM and before == signal.SIG_DFL:
        signal.raise_signal(number)
    return before

signal.signal = told_at_once
print(main(["list", "--seconds", "60"]))
"""


def test_who_is_told_while_it_begins_to_listen_ends_likewise() -> None:
    assert run(EARLY) == "130\n"


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
