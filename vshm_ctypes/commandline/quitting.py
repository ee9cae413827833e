# SPDX-License-Identifier: Apache-2.0
"""Puts away what the process has published before a signal ends it that asks for no end: SIGQUIT (Ctrl-\\), and others.

The signal then does what it always does: the process ends by it, SIGQUIT with a core. The handler is one of Python's,
for only those wait until the main thread can run them: one that asks for the interpreter's lock itself deadlocks if the
signal meets the thread while it takes that lock. A program that hangs must still end by them. It can put nothing away,
and the second signal, for which there is no handler any more, ends it.
"""

from __future__ import annotations

import ctypes
import os
import signal
from types import FrameType

from ..left_behind import remove_all
from .ending import gets_signals

NUMBERS = (signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
# The same on x86-64, ARM and RISC-V, in glibc and musl.
_SA_NODEFER, _SA_RESETHAND = 0x40000000, 0x80000000


class _Sigaction(ctypes.Structure):
    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_char * 128),
        ("flags", ctypes.c_uint),
        ("restorer", ctypes.c_void_p),
    )


def _put_away_and_end(number: int, _frame: FrameType | None) -> None:
    remove_all()
    signal.raise_signal(number)
    os._exit(128 + number)  # process 1, which default actions do not end


def put_away_when_quit() -> None:
    """Install the handler for those signals that nobody handles or ignores, if this is the main thread."""
    if not gets_signals():
        return
    for number in NUMBERS:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _put_away_and_end)
            _handle_once(number)


def _handle_once(number: int) -> None:
    """Let the kernel take the handler away once it has been called, which Python has no option for."""
    action, libc = _Sigaction(), ctypes.CDLL(None)
    libc.sigaction(number, None, ctypes.byref(action))
    action.flags |= _SA_NODEFER | _SA_RESETHAND
    libc.sigaction(number, ctypes.byref(action), None)
