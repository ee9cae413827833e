# SPDX-License-Identifier: Apache-2.0
"""vshm check: the machine around the rings, as files tell it."""

import grp
import os
import pwd
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vshm_ctypes import Producer, inspect
from vshm_ctypes.cli.check import access
from vshm_ctypes.cli.check import host as check_host
from vshm_ctypes.cli.check.access import check_access
from vshm_ctypes.machine import Machine, SharedMemory, Throttling, read_machine


def machine(**changes: Any) -> Machine:
    return replace(read_machine(), **changes)


def test_a_small_dev_shm_is_told_with_a_containers_remedy() -> None:
    (finding,) = check_host.check_space(machine(shared_memory=SharedMemory(64 << 20, 8 << 20)), {})
    assert finding.code == "shm-full"
    assert "docker run --shm-size" in finding.todo
    assert not list(check_host.check_space(machine(shared_memory=SharedMemory(64 << 20, 32 << 20)), {}))


def test_a_dev_shm_without_room_for_another_of_the_largest_ring_is_told(ring: str) -> None:
    with Producer(ring, slots=60, slot_size=2**20):
        rings = {ring: inspect(ring)}
    (finding,) = check_host.check_space(machine(shared_memory=SharedMemory(512 << 20, 32 << 20)), rings)
    assert finding.what == "32.0 MiB of 512 MiB are free; one more ring takes 60.2 MiB"
    assert "remount" in finding.todo
    assert not list(check_host.check_space(machine(shared_memory=SharedMemory(512 << 20, 64 << 20)), rings))


def test_a_ring_that_is_removed_meanwhile_is_no_finding(tmp_path: Path) -> None:
    assert list(check_access("/video_stream", tmp_path / "gone")) == []


def test_who_joined_the_group_after_the_login_is_told_to_log_in_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "video_stream"
    path.touch()
    me = pwd.getpwuid(os.geteuid()).pw_name
    members = [me]
    group = grp.struct_group(("video", "x", path.stat().st_gid, members))
    monkeypatch.setattr(access, "in_container", lambda: False)
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(os, "getegid", lambda: 64001)
    monkeypatch.setattr(os, "getgroups", lambda: [64001])
    monkeypatch.setattr(grp, "getgrgid", lambda _: group)
    monkeypatch.setattr(grp, "getgrnam", lambda _: group)
    (finding,) = check_access("/video_stream", path)
    assert "log in anew, or run newgrp video" in finding.todo
    members.clear()
    (finding,) = check_access("/video_stream", path)
    assert "usermod -aG video" in finding.todo


def test_power_and_heat_are_told() -> None:
    flags = Throttling.UNDER_VOLTAGE_OCCURRED | Throttling.THROTTLED
    found = {finding.code for finding in check_host.check_board(machine(throttling=flags, under_voltage=False))}
    assert found == {"under-voltage", "throttled"}
    assert not list(check_host.check_board(machine(throttling=Throttling(0), under_voltage=False)))


MAIN = "etc/systemd/logind.conf"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, True),
        ({MAIN: "[Login]\nRemoveIPC=no\n"}, False),
        ({MAIN: "[Login]\n#RemoveIPC=no\n"}, True),
        ({MAIN: "[Login]\nRemoveIPC=no\n", "etc/systemd/logind.conf.d/z.conf": "[Login]\nRemoveIPC=yes\n"}, True),
        ({"usr/lib/systemd/logind.conf.d/a.conf": "[Login]\nRemoveIPC=0\n"}, False),
        ({MAIN: "garbage \0 here"}, True),
    ],
)
def test_remove_ipc_is_read_as_logind_reads_it(tmp_path: Path, files: dict[str, str], expected: bool) -> None:
    (tmp_path / "run/systemd/seats").mkdir(parents=True)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert check_host.removes_ipc(tmp_path)[0] == expected


def test_a_machine_without_logind_removes_nothing(tmp_path: Path) -> None:
    assert check_host.removes_ipc(tmp_path) == (False, "no logind")


def test_a_login_users_ring_is_told_unless_the_user_lingers(tmp_path: Path, ring: str) -> None:
    (tmp_path / "run/systemd/seats").mkdir(parents=True)
    with Producer(ring):
        info = inspect(ring)._replace(uid=64001)
    (finding,) = check_host.check_removal({ring: info}, tmp_path)
    assert (finding.code, finding.subject) == ("remove-ipc", ring)
    assert not list(check_host.check_removal({ring: info._replace(uid=999)}, tmp_path))
    (tmp_path / "var/lib/systemd/linger").mkdir(parents=True)
    (tmp_path / "var/lib/systemd/linger/64001").touch()
    assert not list(check_host.check_removal({ring: info}, tmp_path))
