# SPDX-License-Identifier: Apache-2.0
"""What the library finds worth a line in a log, handed to Python's logging."""

from __future__ import annotations

import atexit
import ctypes
from threading import get_ident
from typing import TYPE_CHECKING

from ._library import library
from ._prototypes import LogCallback

if TYPE_CHECKING:
    from logging import Logger

_LEVELS = {0: 20, 1: 30}  # logging.INFO, logging.WARNING

_logger: Logger | None = None
_escaped: dict[int, BaseException] = {}  # by the thread whose call it is to end


def _forward(level: int, message: bytes, _context: object) -> None:
    logger = _logger
    if logger is None:
        return
    try:
        logger.log(_LEVELS.get(level, 30), "%s", message.decode(errors="replace"))
    except Exception:
        raise  # sys.unraisablehook shows it; the call that was made has done its work, and goes on
    except BaseException as error:  # Ctrl-C, SystemExit: C can't hand it on
        _escaped[get_ident()] = error


# The library keeps its address, and may call it as long as the process lives.
_callback = LogCallback(_forward)
ctypes.pythonapi.Py_IncRef(ctypes.py_object(_callback))


def raise_escaped() -> None:
    """What a logger raised to end the program, as KeyboardInterrupt, in the call of the library that it ended."""
    if _escaped and (error := _escaped.pop(get_ident(), None)) is not None:
        raise error


def log_to(logger: Logger | None) -> None:
    """Hand the library's messages of this process to a logger; None: to nobody, as at the begin.

    There is never one per frame: a ring made anew, a semaphore re-armed, a writer lost. Not while other threads are
    inside calls of the library, the first time. The logger may do anything, also close the ring that it hears of. What
    it raises goes to sys.unraisablehook; KeyboardInterrupt and SystemExit come out of the call that had to tell.
    """
    global _logger
    if logger is not None and _logger is None:
        library.video_shm_set_log(_callback, None)
    _logger = logger


atexit.register(log_to, None)
