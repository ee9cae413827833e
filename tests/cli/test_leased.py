# SPDX-License-Identifier: Apache-2.0
"""Looking at what somebody holds a lease on: an open, even one that only reads, ends a holder without a handler."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from children import running
from hosts import BTRFS, OVERLAY_OF_BOTH, Disk, shared_memory_on
from vshm import vshm
from writers import SHARED_MEMORY

from vshm_ctypes import Consumer, Producer, ProducerNotRunning, inspect, inspect_slots, list_rings

HOLDER = """
import fcntl, sys
kind, *paths = sys.argv[1:]
held = [open(path, "rb") for path in paths]
for file in held:
    fcntl.fcntl(file, fcntl.F_SETLEASE, getattr(fcntl, kind))
print("ready", flush=True)
sys.stdin.read()
"""
RING = "video_stream_of_another"
NAMES = (RING, "sem.video_sem_write_ch8", "vshm_consumer_1_x", "vshm_bridge_1_x", "anything")

pytestmark = pytest.mark.usefixtures("alone")


@contextmanager
def leased() -> Iterator[int]:
    """Yield the pid of a process with a lease on an object of each kind of name. At the end it must still live."""
    paths = [SHARED_MEMORY / name for name in NAMES]
    for path in paths:
        path.write_bytes(bytes(32))
    with running(HOLDER, "F_WRLCK", *map(str, paths)) as process:
        yield process.pid
        process.communicate("", timeout=60)
        assert process.returncode == 0  # SIGIO, sent by somebody's open, would have ended it


@pytest.fixture
def holder() -> Iterator[int]:
    with leased() as pid:
        yield pid


def test_what_lists_leaves_it_out_and_what_checks_tells_who_holds_it(holder: int) -> None:
    assert list_rings() == {}
    assert vshm("list").code == 3
    told = vshm("check", "--clean", "-s", "0.1").out
    assert f"/{RING}: the object of this name is not a ring: process {holder} (python" in told
    assert f"sem.video_sem_write_ch8: the object of this name is not a semaphore: process {holder} (python" in told
    assert all((SHARED_MEMORY / name).exists() for name in NAMES)


def test_who_asks_for_its_name_is_told_who_holds_it(holder: int) -> None:
    for asks in (inspect, inspect_slots, Consumer):
        with pytest.raises(ProducerNotRunning, match=rf"process {holder} \(python.*\) holds a lease on it.*: end that"):
            asks("anything")
    assert f"process {holder}" in vshm("show", "anything").err


def test_a_lease_that_readers_do_not_break_keeps_nobody_from_looking(ring: str) -> None:
    with Producer(ring, slots=4, slot_size=1024):
        left = (SHARED_MEMORY / ring[1:]).read_bytes()
    path = SHARED_MEMORY / RING
    path.write_bytes(left)
    with running(HOLDER, "F_RDLCK", str(path)):
        assert list(list_rings()) == [f"/{RING}"]
        assert inspect(RING).slots == 4


@pytest.mark.parametrize("disk", [OVERLAY_OF_BOTH, BTRFS], ids=lambda disk: disk.name)
def test_a_lease_is_found_where_stat_tells_another_device(disk: Disk, tmp_path: Path) -> None:
    with shared_memory_on(disk, tmp_path), leased():
        assert list_rings() == {}
