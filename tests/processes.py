# SPDX-License-Identifier: Apache-2.0
"""Processes that are not ours to wait for: told to end, they are gone when the kernel comes to it."""

from pathlib import Path

from writers import wait_until


def is_running(pid: int) -> bool:
    """A dead one that nobody has waited for yet does not run."""
    try:
        return not Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith(("Z", "X"))
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_gone(*pids: int) -> None:
    """Until none of them runs any more. Asserts that it comes to that."""
    for pid in pids:
        wait_until(lambda pid=pid: not is_running(pid), f"process {pid} is gone")  # type: ignore[misc]
