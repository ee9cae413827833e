# SPDX-License-Identifier: Apache-2.0
"""Load is there from begin to end, and nothing of it afterwards."""

import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from hosts import NO_NAMELESS_FILES
from writers import WATCHDOG_S, wait_until

from hil.fleet import Consumer, Fleet, RingWriter
from hil.host.load import KINDS, Load, LoadError
from hil.host.priority import NICE, PRIORITIES, PriorityError, is_permitted, set_priority
from hil.workers.programs import find_program, loaded_library

BUSY = [kind for kind in KINDS if kind != "none"]


def children() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


@pytest.mark.parametrize("kind", BUSY)
def test_load_is_busy_and_ends(tmp_path: Path, kind: str) -> None:
    before = children()
    with Load(kind, folder=tmp_path, own=True) as load:  # type: ignore[arg-type]
        started = children() - before
        assert len(started) == len(os.sched_getaffinity(0))
        wait_until(lambda: load.cpu_s() > 0.1, "it uses the processors")
        assert {Path(f"/proc/{pid}/cmdline").read_text().split("\0")[2] for pid in started} == {kind}
    assert not children() & started
    assert list(tmp_path.iterdir()) == []


def test_disk_load_writes(tmp_path: Path) -> None:
    with Load("disk", processors=1, folder=tmp_path, own=True) as load:
        pid = load._processes[0].pid
        wait_until(lambda: "wchar: 0\n" not in Path(f"/proc/{pid}/io").read_text(), "it writes")


def test_disk_load_writes_where_files_have_to_have_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An overlay of an older kernel, which the virtual machine has, takes no nameless files."""
    find_program("burner", loaded_library())  # before the compiler would be preloaded too
    folder = tmp_path / "disk"
    folder.mkdir()
    assert NO_NAMELESS_FILES.preload is not None
    monkeypatch.setenv("LD_PRELOAD", str(NO_NAMELESS_FILES.preload()))
    with Load("disk", processors=1, folder=folder, own=True) as load:
        pid = load._processes[0].pid
        wait_until(lambda: "wchar: 0\n" not in Path(f"/proc/{pid}/io").read_text(), "it writes")
        opened = [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
        assert any(name.startswith(f"{folder}/burner-") and name.endswith(" (deleted)") for name in opened)
        assert list(folder.iterdir()) == []


def test_none_is_no_load() -> None:
    before = children()
    with Load("none") as load:
        assert children() == before
        assert load.cpu_s() == 0


def test_a_load_that_ends_by_itself_is_told(tmp_path: Path) -> None:
    """What is measured beside it would pass for measured under load."""
    with pytest.raises(LoadError, match="by itself with 1"), Load("disk", folder=tmp_path / "none", own=True) as load:
        wait_until(lambda: load._processes[0].poll() is not None, "it ends")


def install_stress_ng(folder: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    program = folder / "stress-ng"
    program.write_text("\n".join(["#!/bin/sh", *lines]))
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_stress_ng_is_used_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words, unfinished = tmp_path / "words", tmp_path / "words.new"
    write_words = [f'echo "$@" > {unfinished}', f"mv {unfinished} {words}"]
    install_stress_ng(tmp_path, monkeypatch, *write_words, "exec sleep 1000")
    before = children()
    with Load("cpu", processors=3, folder=tmp_path) as load:
        assert load.tool == "stress-ng"
        wait_until(words.exists, "it is started")
    assert words.read_text().startswith("--cpu 3 ")
    assert children() == before


def test_a_load_that_does_not_end_is_killed_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would go on unseen beside what comes next."""
    deaf = tmp_path / "deaf"
    install_stress_ng(tmp_path, monkeypatch, "trap '' TERM", f"echo > {deaf}", "exec sleep 1000")
    monkeypatch.setattr("hil.host.load.END_S", 0.1)
    before = children()
    with pytest.raises(LoadError, match="had to be killed"), Load("cpu", folder=tmp_path):
        wait_until(deaf.exists, "it is started")
    assert children() == before


def test_no_load_outlives_a_killed_process(tmp_path: Path) -> None:
    program = "import os, time; from hil.host.load import Load; load = Load('cpu', own=True).__enter__()\n"
    program += "print(*[process.pid for process in load._processes], flush=True); time.sleep(300)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        burners = [int(pid) for pid in process.stdout.readline().split()]
        assert burners and all(psutil.pid_exists(pid) for pid in burners)
        process.send_signal(signal.SIGKILL)
        process.wait(WATCHDOG_S)

    def gone() -> bool:
        return not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in burners)

    wait_until(gone, "the burners are gone")


def test_a_load_whose_starter_has_gone_before_it_began_ends_at_once() -> None:
    burner = str(find_program("burner", loaded_library()))
    somebody_else = str(os.getppid())
    assert subprocess.run([burner, somebody_else, "cpu"], timeout=WATCHDOG_S, check=False).returncode == 1


def test_what_is_no_load_is_refused() -> None:
    with pytest.raises(ValueError, match="there are none, cpu"):
        Load("sloth")  # type: ignore[arg-type]


@pytest.mark.parametrize("priority", PRIORITIES)
def test_a_whole_fleet_gets_its_priority(priority: str) -> None:
    if not is_permitted(priority):  # type: ignore[arg-type]
        pytest.skip(f"{priority} priority needs root or ulimit -r")
    with Fleet(RingWriter(), [Consumer(), Consumer("for")], 0.2, priority=priority) as fleet:  # type: ignore[arg-type]
        seen: set[tuple[int, int]] = set()

        def look(_seconds: float) -> None:
            for worker in fleet.crew.workers():
                pid = worker.child.pid
                with suppress(ProcessLookupError):  # it may be done already
                    seen.add((os.sched_getscheduler(pid), os.getpriority(os.PRIO_PROCESS, pid)))

        fleet.run(look)
    ours, own_nice = os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)
    expected = {"normal": (ours, own_nice), "niced": (ours, NICE), "realtime": (os.SCHED_RR, own_nice)}
    assert seen == {expected[priority]}


def test_a_priority_that_is_not_permitted_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_words: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with pytest.raises(PriorityError, match="ulimit -r"):
        set_priority(os.getpid(), "realtime")
    assert not is_permitted("realtime")


def test_the_priority_of_one_that_has_ended_can_not_be_set() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    with pytest.raises(ProcessLookupError):
        set_priority(process.pid, "niced")
