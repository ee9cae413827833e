# SPDX-License-Identifier: Apache-2.0
"""Measures the cost of calls: system calls, counted from outside with ptrace, and how often a process slept."""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import resource
import signal
from collections.abc import Callable

from ...processes.parent import die_with_parent
from .scene import Unasked

TRACEME, SYSCALL, SETOPTIONS = 0, 24, 0x4200
TRACESYSGOOD = 1
SYSCALL_STOP = signal.SIGTRAP | 0x80
WALL = 0x40000000
WAKES_A_SECOND = 3  # of a reader that has nothing to do, at most: it looks after its ring

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long

Act = Callable[[], None]


def system_calls(prepare: Callable[[], Act]) -> int:
    """Return the system calls that an act makes in a process of its own.

    prepare: runs before, uncounted. Raises Unasked.
    """
    counting = mmap.mmap(-1, mmap.PAGESIZE)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_traced(prepare, counting, parent)
    if os.WIFEXITED(os.waitpid(pid, WALL)[1]):
        raise Unasked("ptrace is not permitted here")
    _libc.ptrace(SETOPTIONS, pid, None, TRACESYSGOOD)
    stops, deliver = 0, 0
    while True:
        if _libc.ptrace(SYSCALL, pid, None, deliver) != 0:
            raise Unasked("ptrace does not go on here")
        status = os.waitpid(pid, WALL)[1]
        if not os.WIFSTOPPED(status):
            break
        stopped_by = os.WSTOPSIG(status)
        deliver = 0 if stopped_by in (SYSCALL_STOP, signal.SIGSTOP) else stopped_by
        stops += stopped_by == SYSCALL_STOP and counting[0] == 1
    if os.WIFSIGNALED(status) or os.WEXITSTATUS(status) != 0:
        raise RuntimeError(f"what was counted ended with {status}")
    return stops // 2  # one at entry, one at exit


def _be_traced(prepare: Callable[[], Act], counting: mmap.mmap, parent: int) -> None:
    code = 1
    try:
        die_with_parent(parent)
        if _libc.ptrace(TRACEME, 0, None, None) != 0:
            os._exit(0)
        os.kill(os.getpid(), signal.SIGSTOP)
        act = prepare()
        gc.disable()
        counting[0] = 1
        act()
        counting[0] = 0
        code = 0
    finally:
        counting[0] = 0
        os._exit(code)


def sleeps() -> int:
    """Return how often this process went to sleep so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def cpu_s() -> float:
    """Return the processor time of this process so far, in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
