# SPDX-License-Identifier: Apache-2.0
"""The inodes of /dev/shm: what comes to cover it numbers them alike, and there may be none left."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest
from writers import wait_until

from hosts import mount_tmpfs, own_shared_memory
from vshm_ctypes import Consumer, Producer, RingFull, VideoShmError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs mounts of its own: run it as root")


def test_what_is_written_into_a_reservation_goes_into_the_ring_made_anew(ring: str) -> None:
    with own_shared_memory(), Producer(ring) as producer:

        def write(data: bytes) -> None:
            with producer.reserve() as slot:
                slot.data[: len(data)] = data
                slot.commit(len(data), keyframe=True)

        def is_made_anew() -> bool:
            write(b"between")
            return producer.info().remade > 0

        write(b"before")
        before = producer.info().inode
        mount_tmpfs(Path("/dev/shm"), "mode=1777,size=256m")
        wait_until(is_made_anew, "the ring is made anew")
        if producer.info().inode != before:
            pytest.skip("this kernel numbers the inodes of all tmpfs as one")
        with Consumer(ring) as stream:
            write(b"after")
            frame = stream.receive(10)
            assert frame is not None
            assert bytes(frame.data) == b"after"


def test_a_folder_without_inodes_is_not_called_full_of_bytes(ring: str) -> None:
    with own_shared_memory():
        mount_tmpfs(Path("/dev/shm"), "mode=1777,size=256m,nr_inodes=1")
        with pytest.raises(RingFull, match=r"no inode left for another file, of 1: .* nr_inodes"):
            Producer(ring)


def test_a_ring_with_the_number_of_a_refused_one_is_another_ring(ring: str) -> None:
    with own_shared_memory(), ExitStack() as open_ones:
        first = open_ones.enter_context(Producer(ring, slots=4, slot_size=4096))
        stream = open_ones.enter_context(Consumer(ring, reconnect=True, max_slot_size=4096))
        first.close()
        refused = open_ones.enter_context(Producer(ring, slots=4, slot_size=8192))
        with pytest.raises(VideoShmError, match="slot"):
            stream.receive(10)
        mount_tmpfs(Path("/dev/shm"), "mode=1777,size=256m")
        while (number := _inode_of_a_file()) < refused.info().inode - 1:
            pass
        good = open_ones.enter_context(Producer(ring, slots=4, slot_size=4096))
        if (number, good.info().inode) != (refused.info().inode - 1, refused.info().inode):
            pytest.skip("this kernel numbers the inodes of all tmpfs as one")
        good.write(b"frame", keyframe=True)
        frame = stream.receive(10)
        assert frame is not None
        assert frame.data == b"frame"


def _inode_of_a_file() -> int:
    path = Path("/dev/shm/numbered")
    path.touch()
    number = path.stat().st_ino
    path.unlink()
    return number
