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
    from types import FrameType, TracebackType
else:
    import _signal as signal  # as Python has it from its own start; what signal adds takes longer than all of this

NUMBERS = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
# Of each command, by the module that Python runs: its name, and its exit code when told to end before it has begun.
_COMMANDS = {
    "vshm_ctypes": ("vshm", 130),
    "hil": ("hil", 130),
    "hil.vm": ("hil", 130),
    "hil.streamer": ("camera-streamer", 0),
}
# What a program of that name imports, and which module runs the same: anybody may call a program of theirs so.
_SCRIPTS = {
    "vshm": ("vshm_ctypes.cli.main", "vshm_ctypes"),
    "hil": ("hil.cli.main", "hil"),
    "camera-streamer": ("hil.streamer.__main__", "hil.streamer"),
}


class _Code:
    """The exit code with which a signal ends the process."""

    now = 130


def ends_with(code: int) -> int:
    """Record that the command has finished with this exit code, which no later signal changes, and return it."""
    _Code.now = code
    return code


def _program() -> str:
    """Return which module of this distribution the process runs, or does the same as: "" if it is another program."""
    words = getattr(sys, "argv", None) or [None]  # a program that embeds Python may have neither these nor a __main__
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    module = str(getattr(spec, "name", "__main__"))  # that is a script's, and an archive's
    if words[0] == "-m":  # the package has not been imported yet
        module = "".join(sys.orig_argv[-len(words) :][:1]).removeprefix("-m")
    elif module == "__main__":
        entry, module = _SCRIPTS.get(str(words[0]).rpartition("/")[2].partition(".")[0], ("", ""))
        if not _is_importing(entry):
            return ""
    return module.removesuffix(".__main__") if _home(module.partition(".")[0]) == _home(__package__) else ""


def _is_importing(module: str) -> bool:
    """Return whether this package is being imported for that module."""
    frame: FrameType | None = sys._getframe()
    while frame and not (frame.f_code.co_name == "_find_and_load" and frame.f_locals.get("name") == module):
        frame = frame.f_back
    return frame is not None


def _home(package: str) -> str:
    """Return the folder that a package lies in: another people's hil lies elsewhere."""
    return str(getattr(sys.modules.get(package), "__file__", None)).rpartition("/")[0].rpartition("/")[0]


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


def _tell_without_a_library(name: str) -> None:
    """Have the command say why its library can't be loaded, which ends the imports: no traceback says more."""

    def tell(kind: type[BaseException], error: BaseException, trace: "TracebackType | None") -> None:
        if kind.__name__ != "LibraryError":
            sys.__excepthook__(kind, error, trace)
        elif sys.stderr:
            print(f"{name}: {printable(getattr(error, 'strerror', error))}", file=sys.stderr)

    from .printable import printable

    sys.excepthook = tell


def _begin() -> None:
    program = _program()
    if program not in _COMMANDS:
        return
    name, code = _COMMANDS[program]
    ends_with(code)
    atexit.register(_ignore)  # what is registered first is called last
    for number in NUMBERS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _leave)
    import gc  # during this import and the next, a signal already ends the command

    from .descriptors import open_standard_streams

    atexit.register(gc.freeze)  # a search for garbage takes longer than most verbs, and all ends with the process
    open_standard_streams()
    _tell_without_a_library(name)
    _undo_inherited()


_begin()
