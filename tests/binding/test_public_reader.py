# SPDX-License-Identifier: Apache-2.0
"""vshm's own readers tell their counts to others, wherever /dev/shm takes them."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from vshm import Camera
from writers import wait_until

from vshm_ctypes import ProducerNotRunning, VideoShmError, publication
from vshm_ctypes.cli.public_reader import public_reader
from vshm_ctypes.published import list_published


def received(pid: int) -> list[int]:
    """Return how many frames each of a process's readers has received."""
    return [one.received for one in list_published() if one.pid == pid]


@pytest.mark.parametrize("words", [["watch", "--json"], ["record", "--force", "-o"]], ids=["watch", "record"])
def test_who_watches_or_records_is_seen_with_counts_and_leaves_nothing(
    ring: str, tmp_path: Path, words: list[str]
) -> None:
    told = [*words, *([str(tmp_path / "clip.h264")] if "-o" in words else []), ring]
    command = [sys.executable, "-m", "vshm_ctypes", *told]
    with Camera(ring), subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: any(count > 0 for count in received(process.pid)), "its counts are told")
            process.send_signal(signal.SIGINT)
            process.wait(60)
        finally:
            process.kill()
    assert received(process.pid) == []


def test_where_nothing_can_be_told_it_reads_all_the_same(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise VideoShmError(errno.EROFS, "/dev/shm")

    monkeypatch.setattr(publication, "Publication", refuse)
    with Camera(ring), public_reader(ring, start="next") as stream:
        assert stream.receive(60) is not None


def test_a_ring_that_is_not_there_is_told_as_such(ring: str) -> None:
    with pytest.raises(ProducerNotRunning):
        public_reader(ring)
