# SPDX-License-Identifier: Apache-2.0
"""Ctrl-\\ and signals that mean anything else but an end: the process ends by them, and its counters are put away."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from children import run, running
from endings import AS_PROCESS_1, needs_root, pid_of, started
from filmed import filmed
from vshm import ROOMY, TIMEOUT_S, Camera
from writers import SHARED_MEMORY, wait_until

from vshm_ctypes.commandline.quitting import NUMBERS
from vshm_ctypes.published import list_published

NO_CORE = ("prlimit", "--core=0:0")
VERBS = {
    "watch": ("watch", "{ring}", "--json"),
    "record": ("record", "{ring}", "-o", "{folder}/clip.mkv"),
    "publish": ("publish", "{ring}", "tcp://127.0.0.1:1"),
    "relay": ("relay", "export", "{ring}", "--listen", "tcp/127.0.0.1:0"),
}


def published_by(pid: int) -> list[Path]:
    return [*SHARED_MEMORY.glob(f"vshm_consumer_{pid}_*"), *SHARED_MEMORY.glob(f"vshm_bridge_{pid}_*")]


def readers_of(ring: str) -> list[Path]:
    return [reader.path for reader in list_published() if reader.ring == ring]


@pytest.mark.parametrize("verb", VERBS)
def test_a_quit_verb_leaves_no_counters(ring: str, tmp_path: Path, verb: str) -> None:
    pytest.importorskip("zenoh" if verb == "relay" else "av")
    words = [word.format(ring=ring, folder=tmp_path) for word in VERBS[verb]]
    with filmed(ring), started(*words, before=NO_CORE) as process:
        wait_until(lambda: bool(published_by(process.pid)) or process.poll() is not None, "it publishes its counters")
        process.send_signal(signal.SIGQUIT)
        _, err = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, published_by(process.pid)) == (-signal.SIGQUIT, []), err


PUBLISHES = """
import ctypes, sys, time
from vshm_ctypes import Consumer
from vshm_ctypes.commandline.quitting import put_away_when_quit
put_away_when_quit()
stream = Consumer(sys.argv[1], publish=True)
print("ready", flush=True)
if sys.argv[2] == "hangs":
    ctypes.PyDLL(None).sleep(600)  # with the interpreter's lock
time.sleep(600)
"""


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("before", [(), AS_PROCESS_1], ids=["", "process 1"])
def test_the_signal_does_what_it_always_does(ring: str, number: signal.Signals, before: Sequence[str]) -> None:
    needs_root(before)
    with Camera(ring, **ROOMY), running(PUBLISHES, ring, "sleeps", before=[*NO_CORE, *before]) as process:
        assert readers_of(ring)
        os.kill(pid_of(process, before), number)
        assert process.wait(TIMEOUT_S) == (128 + number if before else -number)
    assert readers_of(ring) == []


def test_what_hangs_is_ended_by_the_second(ring: str) -> None:
    """Which can put nothing away, as the interpreter is stuck."""
    with Camera(ring, **ROOMY), running(PUBLISHES, ring, "hangs", before=NO_CORE) as process:
        while process.poll() is None:
            process.send_signal(signal.SIGQUIT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
        assert process.returncode == -signal.SIGQUIT
    for path in readers_of(ring):
        path.unlink()


CONTENDS = """
import os, random, resource, signal, threading, time
from vshm_ctypes.commandline.quitting import put_away_when_quit

def contend():
    while True:
        time.sleep(0)  # gives the interpreter's lock away, and takes it anew

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
put_away_when_quit()
ready, tells = os.pipe()
for _ in range(100):
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # ends what hangs
        for _ in range(20):
            threading.Thread(target=contend, daemon=True).start()
        os.write(tells, b"x")  # a signal that comes right behind the fork is forgotten by Python
        contend()
    os.read(ready, 1)
    time.sleep(random.uniform(0, 0.02))
    os.kill(child, signal.SIGQUIT)
    print(os.WTERMSIG(os.waitpid(child, 0)[1]))
"""


def test_one_signal_ends_a_program_whose_threads_contend() -> None:
    """One child in ten hangs where a handler takes the interpreter's lock: its thread may be doing just that."""
    assert set(run(CONTENDS).split()) == {str(signal.SIGQUIT.value)}


def test_who_ignores_them_goes_on_doing_so(ring: str) -> None:
    """As a shell's background jobs ignore SIGQUIT."""
    before = ["env", *(f"--ignore-signal={number.name}" for number in NUMBERS)]
    with Camera(ring, **ROOMY), running(PUBLISHES, ring, "sleeps", before=before) as process:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        [ignored] = [int(line.split()[1], 16) for line in lines if line.startswith("SigIgn")]
        assert all(ignored & 1 << (number - 1) for number in NUMBERS)
    for path in readers_of(ring):
        path.unlink()
