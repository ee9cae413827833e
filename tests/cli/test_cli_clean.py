# SPDX-License-Identifier: Apache-2.0
"""vshm check: what dead programs left, and what --clean removes of it."""

import fcntl
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from vshm import codes, vshm
from writers import SHARED_MEMORY, Channel, wait_until

from vshm_ctypes import Producer, inspect
from vshm_ctypes.cli.check import verb
from vshm_ctypes.cli.check.findings import Finding
from vshm_ctypes.cli.check.leftovers import find_rings, remove
from vshm_ctypes.info import State
from vshm_ctypes.processes import Users, find_users
from vshm_ctypes.published import PREFIX

V1_BYTES = 64 + 30 * (32 + 524288)


def left_behind(channel: Channel) -> str:
    """Return the name of a ring whose writer was killed."""
    writer = channel.start_writer()
    name = f"/{channel.ring_path.name}"
    wait_until(lambda: channel.ring_path.exists() and inspect(name).frames > 0, "the writer writes")
    writer.kill()
    return name


@contextmanager
def mapping(path: Path) -> Iterator[None]:
    """Run a process that maps the object during the block."""
    program = "import mmap, sys\nwith open(sys.argv[1]) as f: m = mmap.mmap(f.fileno(), 32, prot=mmap.PROT_READ)\n"
    program += "print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as user:
        assert user.stdout is not None and user.stdin is not None
        user.stdout.readline()
        yield
        user.stdin.close()


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
def test_clean_says_nothing_of_what_has_gone_by_itself(
    channel: Channel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = left_behind(channel)

    def late(finding: Finding, users: Users) -> bool:
        for path in channel.paths:
            path.unlink()
        return remove(finding, users)

    monkeypatch.setattr(verb, "remove", late)
    assert verb.clean(name) == []
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("alone")
def test_clean_of_one_ring_removes_its_own_semaphores_and_no_others(channel: Channel) -> None:
    name, others = left_behind(channel), Channel()
    left_behind(others)
    outcome = vshm("check", name, "--clean")
    assert outcome.code == 0
    assert outcome.out.count("removed ") == 3
    assert channel.paths == []
    assert len(others.paths) == 3
    assert vshm("check", name, "--clean").code == 3


@pytest.mark.usefixtures("alone")
def test_clean_leaves_a_ring_that_a_writer_is_just_taking_over(channel: Channel) -> None:
    """It holds a lock while it does; only then it is the ring's writer."""
    name = left_behind(channel)
    with channel.ring_path.open("rb") as ring:
        fcntl.flock(ring, fcntl.LOCK_EX)
        assert vshm("check", name, "--clean", "--json").json["removed"][0]["code"] == "stale-semaphore"
        assert channel.ring_path.exists()
    vshm("check", name, "--clean")
    assert not channel.ring_path.exists()


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
    path = SHARED_MEMORY / f"sem.video_sem_write_ch{channel.number}"
    path.write_bytes(bytes(32))
    with mapping(path):
        vshm("check", "--clean")
        assert path.exists()
    vshm("check", "--clean")
    assert not path.exists()


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("begin", "code"), [(struct.pack("<II", 0x56494445, 1), "abandoned-ring"), (b"", "unfinished-ring")]
)
def test_a_version_1_ring_is_left_over_once_no_process_has_it_open(channel: Channel, begin: bytes, code: str) -> None:
    """The ring does not tell whether its writer lives, but a writer has it mapped."""
    name = f"/{channel.ring_path.name}"
    with channel.ring_path.open("xb") as object_:
        object_.write(begin)
        object_.truncate(V1_BYTES)
    with mapping(channel.ring_path):
        assert codes(vshm("check", "--json", "-s", "0.1"), name) == []
        assert vshm("check", "--clean", "--json", "-s", "0.1").json["removed"] == []
    if not find_users().complete:
        pytest.skip("not all processes can be seen from here: nothing may be concluded")
    assert codes(vshm("check", "--json", "-s", "0.1"), name) == [code]
    semaphore = SHARED_MEMORY / f"sem.video_sem_write_ch{channel.number}"
    semaphore.write_bytes(bytes(32))
    outcome = vshm("check", "--clean", "--json", "-s", "0.1")
    removed = {(finding["code"], finding["subject"]) for finding in outcome.json["removed"]}
    assert removed == {(code, name), ("stale-semaphore", str(semaphore))}
    assert (channel.paths, outcome.code) == ([], 0)


def test_where_processes_may_be_out_of_sight_a_version_1_ring_is_none_of_ours(channel: Channel) -> None:
    """In a container that shares the host's /dev/shm, the writer exists and can't be seen."""
    with channel.ring_path.open("xb") as object_:
        object_.write(struct.pack("<II", 0x56494445, 1))
        object_.truncate(V1_BYTES)
    name = f"/{channel.ring_path.name}"
    rings = {name: inspect(name)}
    assert [finding.code for finding in find_rings(rings, Users(complete=True))] == ["abandoned-ring"]
    assert not list(find_rings(rings, Users()))
    assert not remove(Finding("abandoned-ring", name, "", "", ""), Users())
    assert channel.ring_path.exists()


@pytest.mark.usefixtures("alone")
def test_what_is_no_ring_is_told_and_left_alone(channel: Channel) -> None:
    channel.ring_path.write_bytes(os.urandom(5000))
    name = f"/{channel.ring_path.name}"
    for words in ([], ["--clean"]):
        outcome = vshm("check", "--json", "-s", "0.1", *words)
        assert (outcome.code, codes(outcome, name), outcome.json["removed"]) == (1, ["not-a-ring"], [])
    assert channel.ring_path.stat().st_size == 5000


@pytest.mark.usefixtures("alone")
def test_a_closed_ring_that_kept_its_name_is_left_over(ring: str) -> None:
    path = SHARED_MEMORY / ring[1:]
    with Producer(ring) as producer:
        producer.write(b"x", keyframe=True)
        os.link(path, SHARED_MEMORY / "aside")
    (SHARED_MEMORY / "aside").rename(path)
    assert codes(vshm("check", ring, "--json", "-s", "0.1"), ring) == ["closed-ring"]
    vshm("check", ring, "--clean", "-s", "0.1")
    assert not path.exists()


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


@pytest.mark.usefixtures("alone")
def test_what_is_alike_is_told_once_with_all_names() -> None:
    left = [SHARED_MEMORY / f"{PREFIX}{pid}_begun" for pid in range(22)]
    for path in left:
        path.touch()
    told = vshm("check", "-s", "0.1").out
    assert told.count("22 times: the counters of a reader that is gone  [stale-publication]\n") == 1
    assert told.count("[stale-publication]") == told.count("remove it with") == 1
    assert [line.split()[-1] for line in told.splitlines() if "of:" in line] == sorted(map(str, left))
    found = vshm("check", "--json", "-s", "0.1").json["findings"]
    assert {one["subject"] for one in found if one["code"] == "stale-publication"} == {*map(str, left)}
    assert f"\n{len(found)} findings: " in told


def test_what_is_in_use_again_is_not_removed_whoever_found_it(channel: Channel) -> None:
    channel.start_writer()
    name = f"/{channel.ring_path.name}"
    wait_until(lambda: channel.ring_path.exists() and inspect(name).state == State.LIVE, "the writer has it")
    finding = Finding("dead-writer", name, "", "", "")
    assert not remove(finding, find_users())
    semaphore = Finding("stale-semaphore", str(SHARED_MEMORY / f"sem.video_sem_write_ch{channel.number}"), "", "", "")
    assert not remove(semaphore, find_users())
    assert len(channel.paths) == 3


def test_a_semaphore_is_kept_where_its_users_may_be_hidden(tmp_path: Path) -> None:
    path = tmp_path / "sem.video_sem_write"
    path.write_bytes(bytes(32))
    with pytest.raises(PermissionError, match="run as root"):
        remove(Finding("stale-semaphore", str(path), "", "", ""), Users(hidden=1, unseen="1 process: run as root"))
    assert path.exists()
    assert remove(Finding("stale-semaphore", str(path), "", "", ""), Users(sees_all=True))
    assert not path.exists()
