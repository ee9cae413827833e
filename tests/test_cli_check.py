# SPDX-License-Identifier: Apache-2.0
"""vshm check: each finding where its cause is, none where it is not, and what --clean removes."""

import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from own_shm import own_shared_memory
from vshm import Camera, Outcome, vshm
from writers import SHARED_MEMORY, Channel, wait_until

from vshm_ctypes import Consumer, Producer, inspect
from vshm_ctypes.cli import check_host
from vshm_ctypes.cli.findings import Finding
from vshm_ctypes.cli.leftovers import remove
from vshm_ctypes.info import State
from vshm_ctypes.machine import Machine, SharedMemory, Throttling, look
from vshm_ctypes.processes import Users, find_users
from vshm_ctypes.published import PREFIX

REALTIME_OFFSET_AT = 96  # FORMAT.md, from the extension on


@pytest.fixture
def alone() -> Iterator[None]:
    """Nothing but the test's own in /dev/shm: what is removed there is nobody else's."""
    if os.geteuid() != 0:
        pytest.skip("needs a mount of its own: run it as root")
    with own_shared_memory():
        yield


def codes(outcome: Outcome, subject: str) -> list[str]:
    return [finding["code"] for finding in outcome.json["findings"] if finding["subject"] == subject]


def left_behind(channel: Channel) -> str:
    """A ring whose writer was killed, and its semaphores."""
    writer = channel.start_writer()
    name = f"/{channel.ring_path.name}"
    wait_until(lambda: channel.ring_path.exists() and inspect(name).frames > 0, "the writer writes")
    writer.kill()
    return name


def test_a_healthy_ring_has_no_finding(ring: str) -> None:
    with Camera(ring):
        time.sleep(0.2)
        outcome = vshm("check", ring)
    assert (outcome.code, outcome.out) == (0, "nothing found\n")


def test_every_finding_says_what_why_and_what_to_do(channel: Channel) -> None:
    name = left_behind(channel)
    outcome = vshm("check", name)
    assert outcome.code == 1
    what, why, todo = outcome.out.splitlines()[:3]
    assert what.startswith(f"{name}: its writer (pid ")
    assert what.endswith("[dead-writer]")
    assert why.split(maxsplit=1)[0] == "why:"
    assert todo.split(maxsplit=1)[0] == "do:"


@pytest.mark.usefixtures("alone")
def test_clean_removes_ring_and_semaphores_of_a_dead_writer_and_nothing_else(channel: Channel, ring: str) -> None:
    name = left_behind(channel)
    assert len(channel.paths) == 3
    with Producer(ring) as producer:
        producer.write(b"x", keyframe=True)
        before = {finding["subject"] for finding in vshm("check", "--json").json["findings"]}
        assert before >= {name, *(str(path) for path in channel.paths if path != channel.ring_path)}
        cleaned = vshm("check", "--clean", "--json").json
        assert inspect(ring).state == State.LIVE
    assert channel.paths == []
    assert name in {removed["subject"] for removed in cleaned["removed"]}
    assert ring not in {removed["subject"] for removed in cleaned["removed"]}


@pytest.mark.usefixtures("alone")
def test_clean_leaves_a_ring_that_has_a_writer_again(channel: Channel) -> None:
    name = left_behind(channel)
    channel.start_writer()
    wait_until(lambda: inspect(name).state == State.LIVE, "the next writer has it")
    vshm("check", "--clean")
    assert channel.ring_path.exists()
    assert inspect(name).state == State.LIVE


@pytest.mark.usefixtures("alone")
def test_clean_leaves_a_semaphore_that_somebody_has_mapped(channel: Channel) -> None:
    name = f"video_sem_write_ch{channel.number}"
    path = SHARED_MEMORY / f"sem.{name}"
    path.write_bytes(bytes(32))
    program = "import mmap, sys\nwith open(sys.argv[1]) as f: m = mmap.mmap(f.fileno(), 32, prot=mmap.PROT_READ)\n"
    program += "print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as user:
        assert user.stdout is not None and user.stdin is not None
        user.stdout.readline()
        vshm("check", "--clean")
        assert path.exists()
        user.stdin.close()
    vshm("check", "--clean")
    assert not path.exists()


def test_a_writer_that_stalls_is_told_from_one_that_never_wrote(ring: str) -> None:
    with Producer(ring) as producer:
        assert codes(vshm("check", ring, "--json"), ring) == ["no-frame"]
        producer.write(b"x", keyframe=True)
        assert codes(vshm("check", ring, "--json"), ring) == []
        time.sleep(1.5)
        assert codes(vshm("check", ring, "--json"), ring) == ["stalled-writer"]


def test_a_gop_longer_than_the_ring_is_a_finding(ring: str) -> None:
    with Producer(ring, slots=4) as producer:
        for number in range(9):
            producer.write(b"x", keyframe=number == 0)
        assert codes(vshm("check", ring, "--json", "-s", "0.1"), ring) == ["gop-exceeds-ring"]


def test_drops_are_told_by_cause(ring: str) -> None:
    with Producer(ring, slot_size=100) as producer:
        producer.write(b"x", keyframe=True)
        with pytest.raises(OSError, match="larger than a slot"):
            producer.write(bytes(101))
        assert codes(vshm("check", ring, "--json", "-s", "0.1"), ring) == ["frames-too-large"]


def test_a_removed_name_is_told(ring: str) -> None:
    with Producer(ring) as producer:
        producer.write(b"x", keyframe=True)
        (SHARED_MEMORY / ring[1:]).unlink()
        wait_until(lambda: producer.write(b"x", keyframe=True) and producer.info().remade > 0, "it is made anew")
        assert codes(vshm("check", ring, "--json", "-s", "0.1"), ring) == ["name-removed"]


def test_a_ring_that_anybody_may_write_is_a_finding(ring: str) -> None:
    with Producer(ring, mode=0o666) as producer:
        producer.write(b"x", keyframe=True)
        assert codes(vshm("check", ring, "--json", "-s", "0.1"), ring) == ["anybody-writes"]


def test_a_clock_that_was_set_since_is_told(ring: str) -> None:
    with Producer(ring) as producer:
        producer.write(b"x", keyframe=True)
        path = SHARED_MEMORY / ring[1:]
        with path.open("r+b") as file:
            file.seek(28)
            extension = struct.unpack("<I", file.read(4))[0] * 64
            file.seek(extension + REALTIME_OFFSET_AT)
            offset_ns = struct.unpack("<q", file.read(8))[0]
            assert abs(offset_ns - (time.time_ns() - time.monotonic_ns())) < 1e9
            file.seek(extension + REALTIME_OFFSET_AT)
            file.write(struct.pack("<q", offset_ns - 3600 * 10**9))
        assert codes(vshm("check", ring, "--json", "-s", "0.1"), ring) == ["clock-stepped"]


def test_a_reader_that_is_too_slow_gets_advice(ring: str) -> None:
    with Producer(ring, slots=4) as producer, Consumer(ring, publish=True) as reader:
        for _ in range(20):
            producer.write(b"x", keyframe=True)
        reader.receive(timeout=1)
        outcome = vshm("check", ring, "-s", "0.1")
    assert "[slow-reader]" in outcome.out
    assert "keyframes only, or the newest only, or do its work in a thread of its own" in outcome.out


@pytest.mark.usefixtures("alone")
def test_what_a_dead_reader_published_is_cleaned(ring: str) -> None:
    program = "import sys; from vshm_ctypes import Consumer\n"
    program += "with Consumer(sys.argv[1], publish=True) as c: c.receive(0); print(flush=True); sys.stdin.read()"
    with Producer(ring):
        with subprocess.Popen(
            [sys.executable, "-c", program, ring], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as reader:
            assert reader.stdout is not None
            reader.stdout.readline()
            (path,) = SHARED_MEMORY.glob(f"{PREFIX}{reader.pid}_*")
            vshm("check", "--clean")
            assert path.exists()
            reader.send_signal(signal.SIGKILL)
        assert "stale-publication" in codes(vshm("check", "--json", "-s", "0.1"), str(path))
        vshm("check", "--clean", "-s", "0.1")
    assert not path.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user: run it as root")
def test_a_ring_of_a_foreign_group_is_told_to_who_may_not_read_it(channel: Channel, tmp_path: Path) -> None:
    channel.start_writer()
    wait_until(channel.ring_path.exists, "the ring is there")
    channel.ring_path.chmod(0o600)
    program = "import os, sys; from vshm_ctypes.cli.main import build_parser, main; build_parser()\n"
    program += "os.setgroups([]); os.setgid(64001); os.setuid(64001); sys.exit(main(sys.argv[1:]))"
    name = f"/{channel.ring_path.name}"
    command = [sys.executable, "-c", program, "check", name]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1, result.stderr
    assert "[no-access]" in result.stdout
    assert "usermod -aG" in result.stdout
    assert result.stdout.count("do:") == 1  # of that ring alone
    command[command.index("check") :] = ["list"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert f"this user may not read {name}" in listed.stdout


# ---- the machine, as files tell it ----


def machine(**changes: Any) -> Machine:
    return replace(look(), **changes)


def test_a_small_dev_shm_is_told_with_a_containers_remedy() -> None:
    (finding,) = check_host.check_space(machine(shared_memory=SharedMemory(64 << 20, 8 << 20)))
    assert finding.code == "shm-full"
    assert "docker run --shm-size" in finding.todo
    assert not list(check_host.check_space(machine(shared_memory=SharedMemory(64 << 20, 32 << 20))))


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


def test_what_is_in_use_again_is_not_removed_whoever_found_it(channel: Channel) -> None:
    channel.start_writer()
    name = f"/{channel.ring_path.name}"
    wait_until(lambda: channel.ring_path.exists() and inspect(name).state == State.LIVE, "the writer has it")
    finding = Finding("dead-writer", name, "", "", "")
    assert not remove(finding, find_users())
    semaphore = Finding("stale-semaphore", str(SHARED_MEMORY / f"sem.video_sem_write_ch{channel.number}"), "", "", "")
    assert not remove(semaphore, find_users())
    assert len(channel.paths) == 3


def test_a_semaphore_is_kept_where_its_users_may_be_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sem.video_sem_write"
    path.write_bytes(bytes(32))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PermissionError, match="run as root"):
        remove(Finding("stale-semaphore", str(path), "", "", ""), Users(hidden=1))
    assert path.exists()
    assert remove(Finding("stale-semaphore", str(path), "", "", ""), Users())
    assert not path.exists()
