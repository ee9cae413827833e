# SPDX-License-Identifier: Apache-2.0
"""Passes the library's log messages to Python's logging."""

from __future__ import annotations

import atexit
import ctypes
from _thread import get_ident

from ._library import library
from ._prototypes import LogCallback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import Logger

_LEVELS = {0: 20, 1: 30}  # logging.INFO, logging.WARNING

_logger: Logger | None = None
escaped: dict[int, BaseException] = {}  # by the thread whose call of the library is to raise it


def _forward(level: int, message: bytes, _context: object) -> None:
    logger = _logger
    if logger is None:
        return
    try:
        logger.log(_LEVELS.get(level, 30), "%s", message.decode(errors="replace"))
    except Exception:
        raise  # sys.unraisablehook shows it; the library's call goes on
    except BaseException as error:  # KeyboardInterrupt, SystemExit: C code can't pass it on
        escaped[get_ident()] = error


# The library may call this as long as the process lives, so it is never freed.
_callback = LogCallback(_forward)
ctypes.pythonapi.Py_IncRef(ctypes.py_object(_callback))


def raise_escaped() -> None:
    """Raise the KeyboardInterrupt or SystemExit that a logger raised during this thread's call of the library."""
    if escaped and (error := escaped.pop(get_ident(), None)) is not None:
        raise error


def log_to(logger: Logger | None) -> None:
    """Send the library's log messages of this process to a logger. None, the default, discards them.

    Messages are about events such as a ring made anew, a semaphore re-armed or a writer lost, never about each frame.
    Make the first call while no other thread is inside the library. The logger may do anything, even close the ring
    that a message is about. An exception that it raises goes to sys.unraisablehook, but KeyboardInterrupt and
    SystemExit are raised by the call that caused the message.
    """
    global _logger
    if logger is not None and _logger is None:
        library.video_shm_set_log(_callback, None)
    _logger = logger


atexit.register(log_to, None)
