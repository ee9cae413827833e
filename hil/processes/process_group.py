# SPDX-License-Identifier: Apache-2.0
"""Ends process groups. Most members are not our children, so they can't be waited for."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PATIENCE_S = 30.0  # long enough for a busy machine
LOOK_EVERY_S = 0.01


def members(group: int) -> Iterator[int]:
    """Yield the process IDs of the group's running members, without those that are dead but not reaped yet."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                fields = (folder / "stat").read_text(errors="replace").rpartition(") ")[2].split()
                if int(fields[2]) == group and fields[0] not in "ZX":
                    yield int(folder.name)


def sweep(group: int, spare: int = 0) -> bool:
    """Kill all members of the group but spare. Returns whether there were none."""
    found = [pid for pid in members(group) if pid != spare]
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return not found


def end_group(group: int, patience_s: float = PATIENCE_S) -> bool:
    """Kill the group, and wait until no member runs. Returns False if some still run after patience_s seconds."""
    deadline = time.monotonic() + patience_s
    while not sweep(group):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_S)
    return True
