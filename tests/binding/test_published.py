# SPDX-License-Identifier: Apache-2.0
"""Consumer(publish=True): its counters in an object of its own, there as long as it is."""

import dataclasses
import os
import time
from pathlib import Path

import pytest
from children import running
from hosts import PID_NAMESPACE, TIME_NAMESPACE, TIME_NAMESPACE_BEFORE, Host, require
from vshm import vshm
from writers import SHARED_MEMORY, wait_until

from vshm_ctypes import Consumer, Producer, RingFull
from vshm_ctypes.processes import find_users
from vshm_ctypes.publication import Publication
from vshm_ctypes.published import PREFIX, RECORD, VERSION, PublishedConsumer, by_pid, list_published

PUBLISHES = """
import sys
from vshm_ctypes import Consumer
with Consumer(sys.argv[1], publish=True) as stream:
    stream.receive(timeout=0)
    print("ready", flush=True)
    for frame in stream:
        pass
"""

LEAVES_A_CHILD = """
import os, sys, time
from vshm_ctypes import Consumer
stream = Consumer(sys.argv[1], publish=True)
stream.receive(timeout=0)
if os.fork() == 0:
    os.close(1)
    while os.path.exists(stream._publication.path):  # its copy of the descriptor keeps the lock
        time.sleep(0.05)
    os._exit(0)
print("ready", flush=True)
os._exit(0)
"""


def of_ring(ring: str) -> list[PublishedConsumer]:
    return [consumer for consumer in list_published() if consumer.ring == ring]


def test_a_readers_counters_are_there_for_all_to_see(ring: str) -> None:
    with Producer(ring, slots=4) as producer, Consumer(ring, publish=True) as stream:
        for _ in range(10):
            producer.write(b"x")
        while stream.receive(timeout=0.3) is not None:
            pass
        (shown,) = of_ring(ring)
        info = stream.info()
        assert (shown.pid, shown.alive, shown.inode) == (os.getpid(), True, info.inode)
        assert (shown.received, shown.missed, shown.skipped, shown.span) == (4, 6, 0, 10)
        assert time.monotonic_ns() - shown.updated_ns < 60e9
        assert shown.path.stat().st_mode & 0o777 == 0o644
    assert of_ring(ring) == []
    assert not shown.path.exists()


def test_they_are_for_all_to_see_whatever_the_umask(ring: str) -> None:
    before = os.umask(0o077)
    try:
        with Producer(ring), Consumer(ring, publish=True) as stream:
            stream.receive(timeout=0)
            (shown,) = of_ring(ring)
            assert shown.path.stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_no_room_for_them_is_an_error_and_leaves_nothing(ring: str, alone: None) -> None:
    with Producer(ring, slots=2, slot_size=100):
        fill = SHARED_MEMORY / "fill"
        space = os.statvfs(SHARED_MEMORY)
        with fill.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize)
        with pytest.raises(RingFull, match="/dev/shm is full"):
            Consumer(ring, publish=True)
        assert not list(SHARED_MEMORY.glob(f"{PREFIX}*"))
        fill.unlink()
        Consumer(ring, publish=True).close()


def test_they_follow_while_frames_come(ring: str) -> None:
    with Producer(ring) as producer, running(PUBLISHES, ring) as reader:

        def is_shown() -> bool:
            producer.write(b"x")
            shown = of_ring(ring)
            return bool(shown) and shown[0].pid == reader.pid and shown[0].received > 50

        wait_until(is_shown, "the reader's counters rise")


def test_a_killed_readers_object_is_told_as_such(ring: str) -> None:
    with Producer(ring), running(PUBLISHES, ring) as reader:
        reader.kill()
        reader.wait(60)
        (left,) = of_ring(ring)
        assert not left.alive
        left.path.unlink()


def test_nothing_is_published_unless_asked_for(ring: str) -> None:
    with Producer(ring), Consumer(ring) as stream:
        stream.receive(timeout=0)
        assert of_ring(ring) == []


@pytest.mark.parametrize("kind", ["empty", "short", "garbage", "torn", "folder", "link"])
def test_what_is_no_record_is_passed_over(kind: str) -> None:
    path = SHARED_MEMORY / f"{PREFIX}{os.getpid()}_{kind}"
    try:
        if kind == "folder":
            path.mkdir()
        elif kind == "link":
            path.symlink_to("/etc/passwd")
        else:
            content = {"empty": b"", "short": b"VSHMCONS", "garbage": os.urandom(RECORD.size)}
            torn = RECORD.pack(b"VSHMCONS", VERSION, 1, 1, 1, 7, 0, 0, 0, 0, 0, 0, 0, b"", 8)
            path.write_bytes(content.get(kind, torn))
        assert not [consumer for consumer in list_published() if consumer.path == path]
    finally:
        path.rmdir() if kind == "folder" else path.unlink()


def test_a_name_that_somebody_else_has_is_left_to_him(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = iter(["taken", "free"])
    monkeypatch.setattr("vshm_ctypes.shared_record.secrets.token_hex", lambda _: next(words))
    taken = SHARED_MEMORY / f"{PREFIX}{os.getpid()}_taken"
    taken.write_text("a reader of this pid in another container")
    try:
        with Producer(ring), Consumer(ring, publish=True) as stream:
            stream.receive(timeout=0)
            (shown,) = of_ring(ring)
            assert shown.path.name.endswith("_free")
        assert taken.read_text() == "a reader of this pid in another container"
    finally:
        taken.unlink()


# ---- in containers ----


@pytest.mark.parametrize("host", [PID_NAMESPACE, TIME_NAMESPACE, TIME_NAMESPACE_BEFORE], ids=lambda host: host.name)
def test_a_reader_in_a_container_is_alive_and_clean_leaves_it(ring: str, alone: None, host: Host) -> None:
    with Producer(ring) as producer, running(PUBLISHES, ring, before=require(host).command()):
        wait_until(lambda: bool(of_ring(ring)), "the reader's counters")
        (shown,) = of_ring(ring)
        assert shown.alive
        outcome = vshm("check", "--clean", "--json")
        assert not [found for found in outcome.json["findings"] if found["code"] == "stale-publication"]
        assert shown.path.exists()
        producer.write(b"x")
    wait_until(lambda: not any(left.alive for left in of_ring(ring)), "the end of the reader")
    vshm("check", "--clean", "--json")
    assert of_ring(ring) == []


def test_two_readers_of_one_pid_do_not_meet(ring: str, alone: None) -> None:
    words = require(PID_NAMESPACE).command()
    with Producer(ring), running(PUBLISHES, ring, before=words), running(PUBLISHES, ring, before=words):
        assert [shown.pid for shown in of_ring(ring)] == [1, 1]
        assert [shown.name for shown in of_ring(ring)] == ["?", "?"]  # pid 1 here is somebody else


def test_a_child_that_a_dead_reader_left_behind_does_not_make_it_alive(ring: str) -> None:
    with Producer(ring), running(LEAVES_A_CHILD, ring) as reader:
        reader.wait(60)
        (left,) = of_ring(ring)
        assert not left.alive
        left.path.unlink()


def test_a_file_that_has_got_the_descriptor_of_one_closed_under_a_reader_is_left_alone(
    ring: str, tmp_path: Path
) -> None:
    with Producer(ring, slots=4) as producer:
        info = producer.info()
    publication = Publication(ring, info)
    os.close(publication._descriptor)  # as libraries do that make a daemon of their program
    with (tmp_path / "file").open("wb") as file:
        assert file.fileno() == publication._descriptor
        publication.update_if_due(lambda: info)
        publication.close()
        assert os.fstat(file.fileno()).st_size == 0
    assert not publication.path.exists()


def test_the_dead_do_not_speak_for_who_has_their_pid(ring: str) -> None:
    with Producer(ring), Consumer(ring, publish=True) as stream:
        stream.receive(timeout=0)
        (living,) = of_ring(ring)
        users = find_users()
        dead = dataclasses.replace(living, alive=False, received=99)
        assert by_pid([living, dead], users, living.identity) == {living.pid: living}
        assert by_pid([living], users, living.identity._replace(device=living.device + 1)) == {}
