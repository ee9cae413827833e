# SPDX-License-Identifier: Apache-2.0
"""Who uses shared memory is found, or may be there: what could not be looked at is never taken for gone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vshm_ctypes import processes
from vshm_ctypes.identity import Identity
from vshm_ctypes.processes import find_users, start_time

FIRST_THREAD_ENDS = """
import ctypes, mmap, sys, threading, time

def stay():
    with open(sys.argv[1], "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ):
        while " Z " not in open("/proc/self/stat").read():
            time.sleep(0.001)
        print("alone", flush=True)
        sys.stdin.read()

threading.Thread(target=stay).start()
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.fixture
def mapped(ring: str) -> Iterator[Path]:
    """A file in shared memory."""
    path = Path("/dev/shm") / ring.removeprefix("/")
    path.write_bytes(bytes(4096))
    yield path
    path.unlink()


def test_a_process_whose_first_thread_has_ended_has_what_it_maps(mapped: Path) -> None:
    words = [sys.executable, "-c", FIRST_THREAD_ENDS, str(mapped)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"alone\n"
        assert [user.pid for user in find_users().of(Identity.of(mapped.stat()))] == [process.pid]
        process.kill()


@pytest.fixture
def strange_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /proc of ours with one process, 77."""
    for name in ("1/task", "77/task"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "1/maps").touch()
    (tmp_path / "self").symlink_to("77")
    monkeypatch.setattr(processes, "PROC", tmp_path)
    return tmp_path


def test_a_process_that_can_not_be_read_is_not_gone(strange_proc: Path) -> None:
    # Some error that is none of permission, as where no memory or descriptor is left.
    (strange_proc / "77/maps").mkdir()
    users = find_users()
    assert users.hidden == 1
    assert not users.sees_all


def test_a_process_that_can_be_read_a_moment_later_was_only_just_forked(
    strange_proc: Path, monkeypatch: pytest.MonkeyPatch, mapped: Path
) -> None:
    status, tries, maps = mapped.stat(), 0, processes._maps
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
    (strange_proc / "77/maps").write_text(
        f"7f0000000000-7f0000001000 r--s 00000000 {device} {status.st_ino} {mapped}\n"
    )

    def refused_once(process: Path) -> str:
        nonlocal tries
        tries += process.name == "77"
        if process.name == "77" and tries == 1:
            raise PermissionError
        return maps(process)

    monkeypatch.setattr(processes, "_maps", refused_once)
    users = find_users()
    assert users.hidden == 0
    assert [user.pid for user in users.of(Identity.of(status))] == [77]


def test_a_proc_of_other_pids_tells_no_start_times(strange_proc: Path) -> None:
    (strange_proc / "77/task/77").mkdir()
    for name in ("77/stat", "77/task/77/stat"):
        (strange_proc / name).write_text("77 (x) S" + " 5" * 40)
    assert start_time(77) is None
