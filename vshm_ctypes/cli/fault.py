# SPDX-License-Identifier: Apache-2.0
"""What becomes of a reader whose ring somebody cuts off: a word about it, and the exit code of a finding."""

from __future__ import annotations

import ctypes
import os
import signal

from .verb import Exit

MESSAGE = b"""
vshm: the ring was cut off under its readers: a program that may write to it has shrunk it, or the machine is out of
memory. Look who may (ls -l /dev/shm), remove the ring, and start its writer anew.
"""

_Handler = ctypes.CFUNCTYPE(None, ctypes.c_int)


def _tell_and_end(_number: int) -> None:
    os.write(2, MESSAGE)
    os._exit(Exit.FINDING)


_handler = _Handler(_tell_and_end)  # the kernel keeps its address


def tell_of_faults() -> None:
    """Say it instead of dying of SIGBUS. A handler of Python's would run once the access is over: never."""
    libc = ctypes.CDLL(None)
    libc.signal.argtypes = (ctypes.c_int, _Handler)
    libc.signal.restype = ctypes.c_void_p
    libc.signal(signal.SIGBUS, _handler)
