# SPDX-License-Identifier: Apache-2.0
"""Process groups, most of whose members are nobody's to wait for: the kernel ends them when it comes to it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PATIENCE_S = 30.0  # for a machine that has much else to do
LOOK_EVERY_S = 0.01


def members(group: int) -> Iterator[int]:
    """Ids of the processes in the group that run. One that is dead and only not reaped yet does not."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                fields = (folder / "stat").read_text(errors="replace").rpartition(") ")[2].split()
                if int(fields[2]) == group and fields[0] not in "ZX":
                    yield int(folder.name)


def sweep(group: int, spare: int = 0) -> bool:
    """Kill whoever is in the group but one. Whether there was nobody."""
    found = [pid for pid in members(group) if pid != spare]
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return not found


def end_group(group: int, patience_s: float = PATIENCE_S) -> bool:
    """Kill all of the group, and wait until nobody of it runs. False: somebody still does after so many seconds."""
    deadline = time.monotonic() + patience_s
    while not sweep(group):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_S)
    return True
