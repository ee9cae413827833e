# SPDX-License-Identifier: Apache-2.0
"""Lets a signal end one of our commands at any time, and quietly while it is still starting or has finished.

Otherwise Python would raise KeyboardInterrupt in whatever it was importing or cleaning up, and print a traceback.
What a parent has blocked would never come. Standard streams that are closed are opened before anything takes their
place. This module is imported first; in a process that is not one of our commands it does nothing.
"""

import atexit
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # as Python has it from its own start; what signal adds takes longer than all of this

NUMBERS = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
# The exit code of a command that is told to end before it has begun, by the name of its program and of its module.
_CODES = {"vshm": 130, "vshm_ctypes": 130, "hil": 130, "hil.vm": 130, "camera-streamer": 0, "hil.streamer": 0}


class _Code:
    """The exit code with which a signal ends the process."""

    now = 130


def ends_with(code: int) -> int:
    """Record that the command has finished with this exit code, which no later signal changes, and return it."""
    _Code.now = code
    return code


def _program() -> str:
    words = getattr(sys, "argv", [""])
    if words[0] == "-m":  # the package has not been imported yet
        module = sys.orig_argv[sys.orig_argv.index("-m") + 1 :] if "-m" in sys.orig_argv else []
        return module[0] if module else ""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return str(spec.name).removesuffix(".__main__") if spec else words[0].rpartition("/")[2]


def _leave(_number: int, _frame: object) -> None:
    os._exit(_Code.now)


def _ignore() -> None:
    """Ignore signals: as it exits, Python restores their default action, which would change the exit code."""
    for number in NUMBERS:
        signal.signal(number, signal.SIG_IGN)


def _undo_inherited() -> None:
    """Undo what exec() keeps of a parent that takes its own signals by other means.

    Blocked signals would never end the command, and where SIGCHLD is ignored every child seems to have succeeded.
    """
    if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _begin() -> None:
    code = _CODES.get(_program())
    if code is None:
        return
    ends_with(code)
    atexit.register(_ignore)  # what is registered first is called last
    for number in NUMBERS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _leave)
    import gc  # during this import and the next, a signal already ends the command

    from .descriptors import open_standard_streams

    atexit.register(gc.freeze)  # a search for garbage takes longer than most verbs, and all ends with the process
    open_standard_streams()
    _undo_inherited()


_begin()
