# SPDX-License-Identifier: Apache-2.0
"""Programs that were started without stdin, stdout or stderr: nothing of ours takes their place, and tools work."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import hosts
import pytest
from vshm import Camera, vshm
from writers import SHARED_MEMORY, wait_until

from vshm_ctypes import inspect

CLOSED = [set(numbers) for count in (1, 2, 3) for numbers in itertools.combinations((0, 1, 2), count)]
# Ends with the number of the claim that fails: there may be no stderr to tell it on.
USER = """
import os, sys
from vshm_ctypes import Consumer, Producer
name, closed = sys.argv[1], [int(word) for word in sys.argv[2].split(",")]
for number in closed:
    os.close(number)

def taken():
    return [number for number in closed if os.path.lexists(f"/proc/self/fd/{number}")]

with Producer(name) as ring, Consumer(name, publish=True) as stream:
    with ring.reserve() as slot:
        slot.data[:1] = b"x"
        slot.commit(1, keyframe=True)
    with stream.borrow(timeout=5) as frame:
        os._exit(2) if bytes(frame.data) != b"x" else None
        os._exit(3) if taken() else None
    stream.receive(0.3)
    os._exit(4) if taken() else None
os._exit(0)
"""


@pytest.mark.parametrize("closed", CLOSED, ids=str)
def test_nothing_of_the_bindings_is_a_standard_stream(ring: str, closed: set[int]) -> None:
    words = [sys.executable, "-c", USER, ring, ",".join(map(str, closed))]
    assert subprocess.run(words, timeout=60, check=False).returncode == 0


def vshm_without(closed: set[int], *words: str) -> int:
    """Return the exit code of vshm, started without these descriptors."""
    return vshm(*words, host=hosts.closed(*closed)).code


@pytest.mark.parametrize("closed", CLOSED, ids=str)
def test_vshm_works_without_standard_streams(ring: str, tmp_path: Path, closed: set[int]) -> None:
    clip = tmp_path / "clip.h264"
    with Camera(ring):
        assert vshm_without(closed, "show", ring) == 0
        assert vshm_without(closed, "record", ring, "-c", "1", "-o", str(clip)) == 0
    assert clip.stat().st_size > 0
    assert vshm_without(closed, "nonsense") == 2


# Libraries take what is free as they are loaded: libffi, for one, opens its own file and keeps it open.
TAKEN = """
import os, sys
closed = [int(word) for word in sys.argv[2].split(",")]
for number in closed:
    os.close(number)
    setattr(sys, ("stdin", "stdout", "stderr")[number], None)
if sys.argv[1] == "late":
    taken = [os.open("/etc/passwd", os.O_RDONLY) for number in closed]
sys.argv[0] = "vshm"
from vshm_ctypes.cli.main import open_standard_streams  # as the script of vshm does
if sys.argv[1] == "late":
    open_standard_streams()
    closed = [getattr(sys, ("stdin", "stdout", "stderr")[number]).fileno() for number in closed]
os._exit(sum(os.path.realpath(f"/proc/self/fd/{number}") != "/dev/null" for number in closed))
"""


@pytest.mark.parametrize("closed", CLOSED, ids=str)
@pytest.mark.parametrize("when", ["early", "late"])
def test_what_libraries_open_is_no_standard_stream_of_a_program(closed: set[int], when: str) -> None:
    words = [sys.executable, "-c", TAKEN, when, ",".join(map(str, closed))]
    assert subprocess.run(words, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("closed", [{0}, {2}, {0, 1, 2}], ids=str)
def test_camera_streamer_works_without_standard_streams(ring: str, closed: set[int]) -> None:
    pytest.importorskip("av")
    words = ["-m", "hil.streamer", "--device", "testsrc:160x96@30", "--channel", f"{ring[1:]}:"]
    with subprocess.Popen(hosts.closed(*closed).command(sys.executable, *words)) as streamer:
        try:
            wait_until(lambda: (SHARED_MEMORY / ring[1:]).exists() and inspect(ring).frames >= 10, "ten frames")
            streamer.send_signal(signal.SIGINT)
            assert streamer.wait(30) == 0
        finally:
            streamer.kill()
    assert not (SHARED_MEMORY / ring[1:]).exists()


def test_looking_for_readers_does_not_touch_a_fifo(alone: None) -> None:
    os.mkfifo(SHARED_MEMORY / "vshm_consumer_1_0")
    waiting = [sys.executable, "-c", "open('/dev/shm/vshm_consumer_1_0', 'w').write('woken')"]
    with subprocess.Popen(waiting, stderr=subprocess.DEVNULL) as writer:
        try:
            time.sleep(0.5)  # it sleeps in open() until somebody reads
            assert vshm_without(set(), "check") in (0, 1)  # which looks for what readers published
            time.sleep(0.5)
            assert writer.poll() is None
        finally:
            writer.kill()
