# SPDX-License-Identifier: Apache-2.0
"""Puts away what the process has published before a signal ends it that asks for no end: SIGQUIT (Ctrl-\\), and others.

The signal then does what it always does: the process ends by it, SIGQUIT with a core. A program that hangs must still
end by them, so this is no handler of Python's, which would run only once the main thread goes on, and it runs once: if
the interpreter is stuck, so that nothing can be put away, the second signal ends the process.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal

from ..left_behind import remove_all

NUMBERS = (signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
# The same on x86-64, ARM and RISC-V, in glibc and musl.
_SA_NODEFER, _SA_RESETHAND = 0x40000000, 0x80000000
_Handler = ctypes.CFUNCTYPE(None, ctypes.c_int)


class _Sigaction(ctypes.Structure):
    _fields_ = (
        ("handler", _Handler),
        ("mask", ctypes.c_char * 128),
        ("flags", ctypes.c_uint),
        ("restorer", ctypes.c_void_p),
    )


def _put_away_and_end(number: int) -> None:
    remove_all()
    signal.raise_signal(number)
    os._exit(128 + number)  # process 1, which default actions do not end


_handler = _Handler(_put_away_and_end)  # kept alive, since the kernel calls it by its address


def put_away_when_quit() -> None:
    """Install the handler for those signals that nobody handles or ignores, until the interpreter exits."""
    action, libc = _Sigaction(_handler, b"", _SA_NODEFER | _SA_RESETHAND, None), ctypes.CDLL(None)
    for number in NUMBERS:
        if signal.getsignal(number) == signal.SIG_DFL:
            libc.sigaction(int(number), ctypes.byref(action), None)
    atexit.register(_restore)


def _restore() -> None:
    for number in NUMBERS:
        if signal.getsignal(number) == signal.SIG_DFL:  # as Python knows it: it has not been told of ours
            signal.signal(number, signal.SIG_DFL)
