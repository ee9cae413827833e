# SPDX-License-Identifier: Apache-2.0
"""System calls that this kernel may lack, and how a process is kept from one that it has."""

from __future__ import annotations

import ctypes
import errno
import struct

from .scene import Unasked

WAITV = 449  # the number of futex_waitv
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2


def need_waitv() -> None:
    """Raise Unasked where this kernel can't wait for several words."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(WAITV), None, 0, 0, None, 1) == -1 and ctypes.get_errno() != errno.EINVAL:
        raise Unasked("this kernel can't wait for several words")


def refuse(number: int) -> None:
    """Have the kernel refuse a system call to this process, as one does that does not know it. Raises Unasked."""
    steps = (0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50000 | errno.ENOSYS), (6, 0, 0, 0x7FFF0000)
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    filters = struct.pack("@HP", len(steps), ctypes.addressof(program))
    libc = ctypes.CDLL(None)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filters):
        raise Unasked("no filter of system calls can be set here")
