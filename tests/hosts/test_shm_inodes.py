# SPDX-License-Identifier: Apache-2.0
"""The inodes of /dev/shm: what comes to cover it numbers them alike, and there may be none left."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from vshm import codes, vshm
from writers import Channel, wait_until

from hosts import mount_tmpfs, own_shared_memory
from vshm_ctypes import Consumer, Producer, RingFull, VideoShmError, inspect
from vshm_ctypes.cli.export.watched_rings import Rings
from vshm_ctypes.identity import Identity

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


def test_a_reader_without_an_inode_for_its_counters_is_told(ring: str) -> None:
    with own_shared_memory(), Producer(ring, slots=4, slot_size=4096):
        assert codes(vshm("check", "--json"), "/dev/shm") == []
        left = "remount,nr_inodes=2"  # its own folder's, and the ring's
        subprocess.run(["mount", "-o", left, "/dev/shm"], check=True)
        with pytest.raises(RingFull, match=r"no inode left for another file, of 2: .* nr_inodes"):
            Consumer(ring, publish=True)
        outcome = vshm("check", "--json")
        assert codes(outcome, "/dev/shm") == ["shm-full"]
        assert "nr_inodes" in outcome.out


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


def has_the_number_of(path: Path, folder: Path) -> Path:
    """Return a file on the tmpfs of that folder with the same inode number. Skips the test if there is none."""
    wanted = path.stat().st_ino
    for number in range(wanted + 64):
        other = folder / f"file{number}"
        other.touch()
        if other.stat().st_ino == wanted:
            return other
    pytest.skip("this kernel numbers the inodes of all tmpfs as one")


def test_which_object_a_ring_is_is_told_by_both_numbers(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        status = Path(f"/dev/shm{ring}").stat()
        for info in (producer.info(), stream.info(), inspect(ring)):
            assert info.identity == Identity.of(status) == (status.st_dev, status.st_ino)
            assert info._replace(device=0).identity == Identity.of(status)  # of a library that does not tell it


def test_a_writer_on_what_was_mounted_over_is_another_one(ring: str) -> None:
    with own_shared_memory():
        rings = Rings(lambda *_: None)
        try:
            with Producer(ring) as before:
                before.write(b"x")
                rings.look()
                mount_tmpfs(Path("/dev/shm"), "mode=1777,size=256m")
                with Producer(ring) as after:
                    if after.info().inode != before.info().inode:
                        pytest.skip("this kernel numbers the inodes of all tmpfs as one")
                    assert after.info().identity != before.info().identity
                    rings.look()
                    assert rings.restarts[ring] == 1
        finally:
            rings.close()


def test_a_file_with_the_rings_number_does_not_hide_that_the_ring_was_cut_off(
    channel: Channel, alone: None, tmp_path: Path
) -> None:
    writer = channel.start_writer()
    path, name = channel.ring_path, f"/{channel.ring_path.name}"
    wait_until(lambda: path.exists() and inspect(name).frames > 0, "the writer writes")
    writer.kill()
    mount_tmpfs(tmp_path, "size=256m")
    twin = has_the_number_of(path, tmp_path)
    os.truncate(twin, path.stat().st_size * 2)
    command = [sys.executable, "-m", "vshm_ctypes", "watch", "--json"]
    pipe = subprocess.PIPE
    with twin.open("rb") as file:
        kept = fcntl.fcntl(file, fcntl.F_DUPFD, 200)  # behind all that the program has
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, pass_fds=[kept]) as process:
        os.close(kept)
        assert process.stdout is not None
        try:
            assert json.loads(process.stdout.readline())["state"] == "dead"
            os.truncate(path, 0)
            told = next((line for line in process.stdout if "cut off" in line), "")
            assert json.loads(told or "{}").get("summary", {}).get("state") == "unreadable"
            process.send_signal(signal.SIGINT)
            err = process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert (process.returncode, err) == (1, "")
