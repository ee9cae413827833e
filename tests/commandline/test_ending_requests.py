# SPDX-License-Identifier: Apache-2.0
"""Requests to end: once, twice, and at any moment of a program's life."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from children import run, running
from endings import AS_PROCESS_1, SIGNALS, filming, needs_root, pid_of, started
from vshm import TIMEOUT_S
from writers import wait_until

from vshm_ctypes import Producer

WORKS = """
import os, signal, sys, time
from vshm_ctypes.commandline.ending import End, heeding
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


# What the coreutils call so is what a parent leaves that reads its signals from a descriptor, and starts us from there.
CARELESS = ("env", "--block-signal", "--ignore-signal=CHLD")


@pytest.mark.parametrize("number", SIGNALS)
def test_what_a_parent_has_blocked_ends_us_too(ring: str, number: signal.Signals) -> None:
    with Producer(ring, slots=4), started("watch", ring, "--json", before=CARELESS) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        *_, last = map(json.loads, process.communicate(timeout=TIMEOUT_S)[0].splitlines())
    assert last["summary"]["received"] == 0


@pytest.mark.parametrize(
    ("name", "entry"),
    [("vshm", "vshm_ctypes.cli.main"), ("hil", "hil.cli.main"), ("camera-streamer", "hil.streamer.__main__")],
)
def test_the_failure_of_a_child_is_seen_whatever_a_parent_ignores(name: str, entry: str) -> None:
    program = f"import subprocess, sys; sys.argv[0] = {name!r}; import {entry}; print(subprocess.call('false'))"
    done = subprocess.run([*CARELESS, sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


def test_one_request_may_come_twice(ring: str) -> None:
    """timeout(1) signals its child, and then its group, to which the child belongs."""
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


def fill(pipe: Path) -> None:
    writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while os.write(writer, bytes(4096)):
            pass
    os.close(writer)


@pytest.mark.parametrize("is_full", [False, True])
def test_a_recording_into_a_pipe_that_nobody_empties_ends_too_and_says_so(
    ring: str, tmp_path: Path, is_full: bool
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    if is_full:
        fill(pipe)
    with filming(ring), started("record", ring, "-o", str(pipe), "--json") as process:
        try:
            wait_until(
                lambda: Path(f"/proc/{process.pid}/wchan").read_text().endswith("pipe_write"), "the pipe is full"
            )
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=TIMEOUT_S)
        finally:
            os.close(reader)
    told = json.loads(out)
    assert (told["ended"], told["frames"] == 0) == ("interrupt", is_full)
    assert f"vshm: {pipe} takes no more, so frame " in err
    assert "no frame came" not in err


STORM = """
import os, signal, threading
from vshm_ctypes.commandline.ending import End, heeding
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
from vshm_ctypes.commandline.ending import heeding

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
