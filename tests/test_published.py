# SPDX-License-Identifier: Apache-2.0
"""Consumer(publish=True): its counters in an object of its own, there as long as it is."""

import os
import time
from pathlib import Path

import pytest
from children import running
from writers import SHARED_MEMORY, wait_until

from vshm_ctypes import Consumer, Producer, RingFull
from vshm_ctypes.published import PREFIX, RECORD, PublishedConsumer, list_published

PUBLISHES = """
import sys
from vshm_ctypes import Consumer
with Consumer(sys.argv[1], publish=True) as stream:
    stream.receive(timeout=0)
    print("ready", flush=True)
    for frame in stream:
        pass
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
            torn = RECORD.pack(b"VSHMCONS", 1, 1, 1, 7, 0, 0, 0, 0, 0, 0, 0, b"", 8)
            path.write_bytes(content.get(kind, torn))
        assert not [consumer for consumer in list_published() if consumer.path == path]
    finally:
        path.rmdir() if kind == "folder" else path.unlink()


def test_a_name_left_by_an_earlier_process_of_our_pid_is_taken(ring: str) -> None:
    left = [SHARED_MEMORY / f"{PREFIX}{os.getpid()}_{number}" for number in range(100)]
    for path in left:
        if not path.exists():
            path.write_text("old")
    try:
        with Producer(ring), Consumer(ring, publish=True) as stream:
            stream.receive(timeout=0)
            assert len(of_ring(ring)) == 1
    finally:
        for path in left:
            Path(path).unlink(missing_ok=True)
