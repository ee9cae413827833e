# SPDX-License-Identifier: Apache-2.0
"""The far sides of bridges: programs on a plain host that put down a file once the bridge has brought them frames."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

LEAVE_S = 60.0  # on a busy machine, for who is killed leaves what it has in /dev/shm
BOARD = "odd"  # the name of the machine that exports
# Reads a ring that does not exist yet, and puts down a file once it has read some frames.
PROVE = """
import pathlib, sys, time
from vshm_ctypes import Consumer, VideoShmError
ring, proof = sys.argv[1:]
while True:
    try:
        with Consumer(ring) as stream:
            for _ in range(5):
                assert stream.receive(10)
        pathlib.Path(proof).touch()
        break
    except (VideoShmError, AssertionError):
        time.sleep(0.05)
time.sleep(1000)
"""
VSHM = (sys.executable, "-m", "vshm_ctypes")
Side = Callable[[Path, str, str, int], list[list[str]]]


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def taking_mpegts(proof: Path, camera: str, ring: str, port: int) -> list[list[str]]:
    """FFmpeg, which makes the file once it has found out what streams there are."""
    words = ["ffmpeg", "-v", "error", "-nostdin", "-i", f"tcp://127.0.0.1:{port}?listen=1"]
    return [[*words, "-c", "copy", "-f", "mpegts", str(proof)]]


def importing(proof: Path, camera: str, ring: str, port: int) -> list[list[str]]:
    """vshm relay import, and a reader of the ring that it makes."""
    words = [*VSHM, "relay", "import", f"{BOARD}{camera}", "--as", ring, "--connect", f"tcp/127.0.0.1:{port}"]
    return [words, [sys.executable, "-c", PROVE, ring, str(proof)]]


def exporting(proof: Path, camera: str, ring: str, port: int) -> list[list[str]]:
    """vshm relay export, and a reader of the ring that an importer on the odd host makes of it."""
    words = [*VSHM, "relay", "export", camera, "--board", BOARD, "--listen", f"tcp/127.0.0.1:{port}"]
    return [words, [sys.executable, "-c", PROVE, ring, str(proof)]]


@contextmanager
def there(commands: list[list[str]], environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    """Run them until the end of the block."""
    null = subprocess.DEVNULL
    with (folder.parent / f"{folder.name}.far").open("w+") as said:
        started = [
            subprocess.Popen(words, stdin=null, stdout=said, stderr=said, env=environment, start_new_session=True)
            for words in commands
        ]
        try:
            yield
        finally:
            for process in started:
                process.send_signal(signal.SIGTERM)
            for process in started:
                try:
                    process.wait(LEAVE_S)
                except subprocess.TimeoutExpired:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            Path(said.name).unlink()
