# SPDX-License-Identifier: Apache-2.0
"""What a writer's lock promises holds on whichever file system /dev/shm is."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from vshm import vshm
from writers import Channel, wait_until

from hosts import BTRFS, DISKS, LINK, OVERLAY_OF_BOTH, OVERLAY_OF_MEMORY, Disk, shared_memory_on
from vshm_ctypes import Consumer, Producer, ProducerBusy, ProducerDied, ProducerNotRunning, State, inspect
from vshm_ctypes.containers import is_in_memory
from vshm_ctypes.processes import find_users
from vshm_ctypes.published import by_pid, list_published

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs mounts of its own: run it as root")


@pytest.fixture(params=DISKS, ids=lambda disk: disk.name)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    with shared_memory_on(request.param, tmp_path):
        yield request.param


def is_in_state(ring: str | int, state: State) -> bool:
    try:
        return inspect(ring).state is state
    except ProducerNotRunning:
        return False


def is_kept(ring: str | int) -> None:
    """Check that nobody takes a living writer for a dead one."""
    assert inspect(ring).state is State.LIVE
    with pytest.raises(ProducerBusy):
        Producer(ring)


def test_a_living_writer_keeps_its_ring(disk: Disk, channel: Channel) -> None:
    writer, ring = channel.start_writer(), channel.number
    wait_until(lambda: is_in_state(ring, State.LIVE), "the writer writes")
    with Consumer(ring) as stream:
        assert stream.receive(10) is not None
        writer.pause()
        while stream.receive(1) is not None:  # in a second without a frame a dead writer is told
            pass
        is_kept(ring)
        assert vshm("check", "--clean", "--json").json["removed"] == []
        assert inspect(ring).state is State.LIVE
        writer.resume()
        assert stream.receive(10) is not None


def test_a_dead_writers_ring_is_taken_over_in_place_and_kept(disk: Disk, channel: Channel) -> None:
    writer, ring = channel.start_writer(), channel.number
    wait_until(lambda: is_in_state(ring, State.LIVE), "the writer writes")
    with Consumer(ring) as stream:
        writer.kill()
        with pytest.raises(ProducerDied):
            for _ in stream:
                pass
        before = inspect(ring)
        assert before.state is State.DEAD
        with Producer(ring) as successor:
            assert successor.info().identity == before.identity
            is_kept(ring)
            successor.write(b"after")
            frame = stream.receive(10)
            assert frame is not None
            assert frame.data == b"after"
    assert not channel.ring_path.exists()


def test_a_ring_that_is_made_anew_is_kept(disk: Disk, channel: Channel) -> None:
    channel.start_writer()
    ring = channel.number
    wait_until(lambda: is_in_state(ring, State.LIVE), "the writer writes")
    channel.ring_path.unlink()
    wait_until(lambda: is_in_state(ring, State.LIVE), "the ring is made anew")
    assert inspect(ring).remade == 1
    is_kept(ring)


FORKS = """
import os, sys, time
from vshm_ctypes import Producer
ring = Producer(sys.argv[1], slots=4, slot_size=4096)
ring.write(b"x")
if os.fork():
    os.wait()
    print("gone", flush=True)
    time.sleep(600)
print(os.getpid(), flush=True)
sys.stdin.read()
"""


@contextmanager
def program(text: str, ring: str) -> Iterator[subprocess.Popen[str]]:
    command, pipe = [sys.executable, "-c", text, ring], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_forked_child_neither_keeps_the_ring_nor_loses_it(disk: Disk, ring: str) -> None:
    for dies in ("child", "parent"):
        with program(FORKS, ring) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            is_kept(ring)
            os.kill(child if dies == "child" else parent.pid, signal.SIGKILL)
            if dies == "child":
                assert parent.stdout.readline() == "gone\n"
                is_kept(ring)
                continue
            wait_until(lambda: is_in_state(ring, State.DEAD), "the writer is told dead beside its child")
            identity = inspect(ring).identity
            with Producer(ring, slots=4, slot_size=4096) as successor:
                assert successor.info().identity == identity
                is_kept(ring)


CLOSES_ALL = """
import os, sys
from vshm_ctypes import Consumer, Producer, VideoShmError
ring = Producer(sys.argv[1], slots=4, slot_size=4096)
stream = Consumer(sys.argv[1], publish=True)
os.closerange(3, 256)
print("closed", flush=True)
sys.stdin.readline()
try:
    while True:
        ring.write(b"x")
        stream.receive(0.05)
except VideoShmError as error:
    print(error.errno, flush=True)
    ring.close()
"""


def test_a_program_that_closes_all_descriptors_is_seen_again(disk: Disk, ring: str) -> None:
    def is_seen() -> bool:
        readers = [one for one in list_published() if one.ring == ring and one.alive]
        return bool(readers) and is_in_state(ring, State.LIVE)

    with program(CLOSES_ALL, ring) as process:
        assert process.stdin is not None
        print(file=process.stdin, flush=True)
        wait_until(lambda: is_in_state(ring, State.LIVE) and inspect(ring).frames > 20, "it writes without them")
        wait_until(is_seen, "its writer and its reader are there")
        is_kept(ring)


def test_a_writer_that_lost_its_lock_to_another_leaves_the_ring_to_it(ring: str, tmp_path: Path) -> None:
    with shared_memory_on(OVERLAY_OF_MEMORY, tmp_path), program(CLOSES_ALL, ring) as loser:
        assert loser.stdin is not None
        assert loser.stdout is not None
        assert loser.stdout.readline() == "closed\n"
        with Producer(ring, slots=4, slot_size=4096) as winner:
            print(file=loser.stdin, flush=True)
            assert int(loser.stdout.readline()) == errno.ESTALE
            loser.wait()
            is_kept(ring)
            assert inspect(ring).identity == winner.info().identity


READS = """
import os, sys
from vshm_ctypes import Consumer
with Consumer(sys.argv[1], publish=True) as stream:
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("disk", (*DISKS, OVERLAY_OF_BOTH, LINK), ids=lambda disk: disk.name, indirect=True)
def test_who_reads_is_found_by_what_is_mapped(disk: Disk, ring: str) -> None:
    with Producer(ring) as writer, program(READS, ring) as reader:
        assert reader.stdout is not None
        pid = int(reader.stdout.readline())
        users, info = find_users(), inspect(ring)
        assert [process.pid for process in users.of(info.identity)] == sorted([os.getpid(), pid])
        assert [process.pid for process in users.readers_of(info)] == [pid]
        assert list(by_pid(list_published(), users, info.identity)) == [pid]
        assert writer.info().identity == info.identity


def test_a_linked_folder_lies_where_the_link_leads(tmp_path: Path) -> None:
    with shared_memory_on(LINK, tmp_path):
        link = Path("/dev/link")
        link.symlink_to("/proc")
        assert is_in_memory("/dev/shm") is True
        assert is_in_memory(str(link)) is False


@pytest.mark.parametrize("disk", [OVERLAY_OF_BOTH, BTRFS, LINK], ids=lambda disk: disk.name, indirect=True)
def test_a_ring_that_is_cut_off_is_told(disk: Disk, channel: Channel) -> None:
    writer, pipe = channel.start_writer(), subprocess.PIPE
    wait_until(lambda: is_in_state(channel.number, State.LIVE), "the writer writes")
    writer.kill()
    command = [sys.executable, "-m", "vshm_ctypes", "watch", "--json"]
    with subprocess.Popen(command, stdout=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["state"] == "dead"
            os.truncate(channel.ring_path, 0)
            told = next((line for line in process.stdout if "cut off" in line), "")
            assert json.loads(told or "{}").get("summary", {}).get("state") == "unreadable"
        finally:
            process.kill()
