# SPDX-License-Identifier: Apache-2.0
"""Processes that tests start: told to end, they are gone when the kernel comes to it; readers read once they wait."""

import subprocess
from pathlib import Path

from writers import wait_until

from vshm_ctypes.processes import find_users


def _state(pid: int) -> str:
    """The kernel's letter for what its first thread does; empty: there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_running(pid: int) -> bool:
    """A dead one that nobody has waited for yet does not run."""
    return _state(pid) not in ("", "Z", "X")


def stand_in(path: Path, script: str) -> None:
    """A program of that name which is a script of the shell."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def wait_until_gone(*pids: int) -> None:
    """Until none of them runs any more. Asserts that it comes to that."""
    for pid in pids:
        wait_until(lambda pid=pid: not is_running(pid), f"process {pid} is gone")  # type: ignore[misc]


def wait_until_reading(process: "subprocess.Popen[str]", inode: int) -> None:
    """Until a program waits for the frames of a ring. One that only maps it has not chosen its place in it yet."""

    def reads() -> bool:
        assert process.poll() is None, "it ended before it read"
        return any(user.pid == process.pid for user in find_users().of(inode)) and _state(process.pid) == "S"

    wait_until(reads, "it reads the ring")
