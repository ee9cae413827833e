# SPDX-License-Identifier: Apache-2.0
"""Sets the scheduling priority of a process relative to the load: normal, behind it, or before it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Literal, get_args

Priority = Literal["normal", "niced", "realtime"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
NICE = 10
REALTIME = 10


class PriorityError(PermissionError):
    """The system does not permit this priority. The message says what would."""


def set_priority(pid: int, priority: Priority) -> None:
    """Set the priority of every thread of a process. Raises PriorityError or ProcessLookupError."""
    for thread in _threads(pid):
        with suppress(ProcessLookupError):  # the thread has ended meanwhile
            _set(thread, priority)


def _threads(pid: int) -> list[int]:
    try:
        return [int(folder.name) for folder in Path(f"/proc/{pid}/task").iterdir()]
    except FileNotFoundError:
        raise ProcessLookupError(f"process {pid} has ended") from None


def _set(thread: int, priority: Priority) -> None:
    try:
        if priority == "niced":
            os.setpriority(os.PRIO_PROCESS, thread, NICE)
        elif priority == "realtime":
            os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(REALTIME))
    except PermissionError:
        advice = f"run as root, or with ulimit -r {REALTIME} (LimitRTPRIO={REALTIME} in a service)"
        raise PriorityError(f"{priority} priority is not permitted: {advice}") from None


def is_permitted(priority: Priority) -> bool:
    """Return whether this process may give that priority to others."""
    if priority != "realtime":
        return True
    before, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        set_priority(os.getpid(), priority)
    except PriorityError:
        return False
    os.sched_setscheduler(0, before, parameter)
    return True
