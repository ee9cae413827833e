# SPDX-License-Identifier: Apache-2.0
"""Watches processes that tests start: until they are gone, or wait for frames; and takes their descriptors away."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from writers import wait_until

from vshm_ctypes.identity import Identity


def _state(pid: int) -> str:
    """Return the kernel's state letter of the first thread; empty if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_running(pid: int) -> bool:
    """Return whether the process runs; a zombie does not."""
    return _state(pid) not in ("", "Z", "X")


def stand_in(path: Path, script: str) -> None:
    """Make a program of that name from a shell script."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@contextmanager
def no_descriptor_left(pid: int) -> Iterator[None]:
    """Let the process open nothing during the block."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


def wait_until_gone(*pids: int) -> None:
    """Wait, and assert, that none of them runs any more."""
    for pid in pids:
        wait_until(lambda pid=pid: not is_running(pid), f"process {pid} is gone")  # type: ignore[misc]


def wait_until_reading(process: "subprocess.Popen[str]", ring: Identity) -> None:
    """Wait until a program waits for frames of a ring: mapping it alone does not mean that it has joined."""

    def reads() -> bool:
        assert process.poll() is None, "it ended before it read"
        lines = Path(f"/proc/{process.pid}/maps").read_text().splitlines()  # of all processes it would take long
        maps = any(Identity.mapped(*line.split()[3:5]) == ring for line in lines if "/dev/shm/" in line)
        return maps and _state(process.pid) == "S"

    wait_until(reads, "it reads the ring")
