# SPDX-License-Identifier: Apache-2.0
"""Being told to end while a command still starts, and when it has done all: the exit code is right, nothing is said."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from vshm import TIMEOUT_S

# Python runs it before any program. Imports are counted from ours on: what comes before is Python's own.
CUSTOM = """
import atexit, os, signal, sys
number, moment = int(os.environ["NUMBER"]), os.environ["MOMENT"]
count = 0

def imported(event, arguments):
    global count
    if event == "import" and "vshm_ctypes._command" in sys.modules:
        count += 1
        if moment == str(count):
            signal.raise_signal(number)
        if arguments[0].endswith(".ending") and moment == "atexit":
            atexit.register(signal.raise_signal, number)

class Last:
    def __del__(self, tell=signal.raise_signal):
        tell(number)

sys.addaudithook(imported)
if moment == "count":
    atexit.register(lambda: print(count, file=sys.stderr))
if moment == "atexit first":  # and so called last
    atexit.register(signal.raise_signal, number)
if moment == "teardown":
    sys.last_of_all = Last()
"""

PROGRAMS = {
    "vshm": (("-m", "vshm_ctypes", "completion", "bash"), 130),
    "hil": (("-m", "hil", "--help"), 130),
    "camera-streamer": (("-m", "hil.streamer", "--help"), 0),
}


def told_at(folder: Path, program: str, moment: str, number: int = signal.SIGINT) -> "subprocess.CompletedProcess[str]":
    (folder / "sitecustomize.py").write_text(CUSTOM)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": path, "NUMBER": str(int(number)), "MOMENT": moment}
    command = [sys.executable, *PROGRAMS[program][0]]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


@pytest.mark.parametrize("program", PROGRAMS)
def test_who_is_told_while_it_starts_ends_without_a_traceback(tmp_path: Path, program: str) -> None:
    """Some imports, from the first to the last, are interrupted by each signal in turn."""
    if program == "camera-streamer":
        pytest.importorskip("av")
    imports = int(told_at(tmp_path, program, "count").stderr)
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    for turn, moment in enumerate((1, imports // 8, imports // 4, imports // 2, imports * 3 // 4, imports - 1)):
        done = told_at(tmp_path, program, str(moment), numbers[turn % 3])
        assert (done.returncode, done.stdout, done.stderr) == (PROGRAMS[program][1], "", ""), moment


@pytest.mark.parametrize("moment", ["atexit", "atexit first", "teardown"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_is_told_when_all_is_done_has_done_it(tmp_path: Path, moment: str, number: signal.Signals) -> None:
    done = told_at(tmp_path, "vshm", moment, number)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == told_at(tmp_path, "vshm", "").stdout != ""
