# SPDX-License-Identifier: Apache-2.0
"""Nothing is left of a fleet, however it ends: no process, no name in shared memory, no file."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import cast

import psutil
import pytest
from writers import WATCHDOG_S, wait_until

from hil.fleet import Consumer, Fleet, RingWriter
from hil.workers.child import Child
from hil.workers.shared_memory import ring_names

# The consumers that a fleet may leave behind: stopped, and in a run of long.
PROGRAM = """
import sys
from hil.fleet import Consumer, Fleet, RingWriter
if __name__ == "__main__":
    consumers = [Consumer.parse(words) for words in "c for c@stops:100 example".split()]
    with Fleet(RingWriter(), consumers, 300) as fleet:
        fleet.run(lambda seconds: print(fleet.channel, fleet.site.group, fleet.site.folder, flush=True))
"""


@contextmanager
def fleet_process(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", int, int, Path]]:
    """Yield a fleet in a process of its own: the process, its channel, its process group, its folder."""
    path = folder / "program.py"
    path.write_text(PROGRAM)
    command = [sys.executable, str(path)]
    environment = os.environ | {"TMPDIR": str(folder)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            channel, group, place = process.stdout.readline().split()
            yield process, int(channel), int(group), Path(place)
        finally:
            process.kill()


def members(group: int) -> list[int]:
    found = []
    for process in psutil.process_iter(["status"]):
        try:
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except ProcessLookupError:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_fleet_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with fleet_process(tmp_path) as (process, channel, group, folder):
        assert len(members(group)) >= 6  # guard, writer, four consumers
        assert ring_names(channel)[0].exists()
        process.send_signal(number)
        process.wait(WATCHDOG_S)
        wait_until(lambda: not members(group), "all processes are gone")
        wait_until(lambda: not any(path.exists() for path in ring_names(channel)), "all names are gone")
        wait_until(lambda: not folder.exists(), "all files are gone")


def test_a_writer_killed_just_before_the_fleet_leaves_no_ring(tmp_path: Path) -> None:
    """The ring then has no owner who would remove it."""
    with fleet_process(tmp_path) as (process, channel, group, _):
        writer = next(pid for pid in members(group) if psutil.Process(pid).name() == "ring_writer")
        os.kill(writer, signal.SIGKILL)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(WATCHDOG_S)
        wait_until(lambda: not any(path.exists() for path in ring_names(channel)), "all names are gone")
        wait_until(lambda: not members(group), "all processes are gone")


def test_an_exception_in_the_midst_leaves_nothing() -> None:
    with pytest.raises(ZeroDivisionError), Fleet(RingWriter(), [Consumer(), Consumer("for")], 30) as fleet:
        fleet.run(lambda _seconds: 1 // 0)
    assert members(fleet.site.group) == []
    assert [path for path in ring_names(fleet.channel) if path.exists()] == []
    assert not fleet.site.folder.exists()


def test_two_fleets_at_once_do_not_meet() -> None:
    with Fleet(RingWriter(), [Consumer()], 0.3) as one, Fleet(RingWriter(), [Consumer()], 0.3) as other:
        assert one.ring != other.ring
        results = [one.run(), other.run()]
    for result in results:
        assert [account.findings for _, account in result.accounts()] == [[]]


def test_a_worker_that_does_not_end_is_killed_and_that_is_found() -> None:
    """A consumer that hangs would else pass for one that had nothing to do."""
    with Fleet(RingWriter(), [Consumer(), Consumer()], 0.3, patience_s=2) as fleet:
        begin = time.monotonic()

        def hang(_seconds: float) -> None:
            worker = fleet.crew.members[1].worker
            assert worker is not None
            worker.child.send = lambda number: None if number != signal.SIGKILL else os.kill(worker.child.pid, number)  # type: ignore[method-assign]

        result = fleet.run(hang)
    assert time.monotonic() - begin > 2
    well, hung = (account for _, account in result.accounts())
    assert well.findings == []
    assert [finding.kind for finding in hung.findings] == ["ended"]


@pytest.mark.parametrize("narrow", ["writer", "consumer"])
def test_a_worker_whose_tape_is_full_ends_when_it_is_told_to(narrow: str) -> None:
    """It waits for room, also at its end: were none made then, it would have to be killed."""
    writer = RingWriter(fps=1000, records=4 if narrow == "writer" else 65536)
    consumer = Consumer(records=4 if narrow == "consumer" else 8192)
    with Fleet(writer, [consumer], 1, patience_s=10) as fleet:
        result = fleet.run()
    lives = {"writer": result.writer.lives[0], "consumer": result.consumers[0].lives[0]}
    assert lives[narrow].stalls > 0  # else it tells nothing
    assert [account.findings for _, account in result.accounts()] == [[]]
    assert [life.meant for life in lives.values()] == [True, True]
    assert result.frame_book().imbalances() == []


class Unheard:
    """A fork whose end is not known here yet, though nothing is left of it."""

    exitcode = None

    def __init__(self) -> None:
        process = subprocess.Popen(["true"])
        process.wait()
        self.pid = process.pid


def test_a_signal_to_a_fork_that_has_just_ended_goes_nowhere(tmp_path: Path) -> None:
    """Its parent is the warm interpreter, which reaps it at once, and tells later."""
    child = Child(cast(ForkServerProcess, Unheard()), tmp_path / "out", tmp_path / "err")
    assert child.code is None and not psutil.pid_exists(child.pid)
    child.send(signal.SIGCONT)
