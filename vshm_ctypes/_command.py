# SPDX-License-Identifier: Apache-2.0
"""What a signal does to one of our commands while it still starts, and once it has done all: it ends, and that is all.

Python itself would raise KeyboardInterrupt out of whatever it was just importing, or putting away, with a traceback.
Imported first of all; where this process is no command of ours, nothing is done.
"""

import atexit
import os
import signal
import sys

NUMBERS = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
# By command and by module: the exit code of one that is told to end before it has begun.
_CODES = {"vshm": 130, "vshm_ctypes": 130, "hil": 130, "hil.vm": 130, "camera-streamer": 0, "hil.streamer": 0}


class _Code:
    """Known before its end to whoever is told to end after all is done."""

    now = 130


def ends_with(code: int) -> int:
    """All is done: the exit code, whoever is told to end from now on."""
    _Code.now = code
    return code


def _program() -> str:
    words = getattr(sys, "argv", [""])
    if words[0] == "-m":  # its package is still to be imported
        module = sys.orig_argv[sys.orig_argv.index("-m") + 1 :] if "-m" in sys.orig_argv else []
        return module[0] if module else ""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return str(spec.name).removesuffix(".__main__") if spec else words[0].rpartition("/")[2]


def _leave(_number: int, _frame: object) -> None:
    os._exit(_Code.now)


def _ignore() -> None:
    """In the last moments Python gives back to the kernel what it handled: the exit code would be another one."""
    for number in NUMBERS:
        signal.signal(number, signal.SIG_IGN)


def _begin() -> None:
    code = _CODES.get(_program())
    if code is None:
        return
    ends_with(code)
    atexit.register(_ignore)  # what is registered first is called last
    for number in NUMBERS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _leave)


_begin()
