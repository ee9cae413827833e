# SPDX-License-Identifier: Apache-2.0
"""The end of a process group, most of which is nobody's to wait for."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from processes import is_running

from hil.processes.process_group import end_group, members, sweep

# A kernel takes a while to end a process that has much memory.
LARGE = "import sys, time; memory = b'x' * (256 << 20); print(flush=True); time.sleep(600)"
LEADER = """
import signal, subprocess, sys
large = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
large.stdout.readline()
print(large.pid, flush=True)
signal.pause()
"""
TIMEOUT_S = 60


@pytest.fixture
def leader() -> Iterator["subprocess.Popen[str]"]:
    """Of a group of two, the other of which is not ours to wait for; its id is what the leader prints."""
    command = [sys.executable, "-c", LEADER, LARGE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            end_group(process.pid)


def other(leader: "subprocess.Popen[str]") -> int:
    assert leader.stdout is not None
    return int(leader.stdout.readline())


def test_once_it_is_ended_nobody_of_it_runs(leader: "subprocess.Popen[str]") -> None:
    pid = other(leader)
    assert sorted(members(leader.pid)) == sorted([leader.pid, pid])
    assert end_group(leader.pid)
    assert not is_running(pid)
    assert not is_running(leader.pid)  # dead, but not reaped: that is no reason to wait
    assert leader.wait(TIMEOUT_S) == -9


def test_one_can_be_spared(leader: "subprocess.Popen[str]") -> None:
    pid = other(leader)
    assert not sweep(leader.pid, spare=leader.pid)
    while not sweep(leader.pid, spare=leader.pid):
        pass
    assert (is_running(pid), is_running(leader.pid)) == (False, True)


def test_of_one_that_does_not_end_it_is_said(leader: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch) -> None:
    pid = other(leader)
    monkeypatch.setattr("os.kill", lambda pid, number: None)
    assert not end_group(leader.pid, patience_s=0.1)
    assert is_running(pid)
    monkeypatch.undo()


def test_nobody_is_in_a_group_that_there_is_not() -> None:
    with subprocess.Popen(["true"], start_new_session=True) as process:
        process.wait(TIMEOUT_S)
    assert list(members(process.pid)) == []
    assert end_group(process.pid)
    assert os.getpid() in members(os.getpgrp())
