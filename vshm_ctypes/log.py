# SPDX-License-Identifier: Apache-2.0
"""What the library finds worth a line in a log, handed to Python's logging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._library import library
from ._prototypes import LogCallback

if TYPE_CHECKING:
    from logging import Logger

_LEVELS = {0: 20, 1: 30}  # logging.INFO, logging.WARNING

_callback: Any = None  # the library keeps its address


def log_to(logger: Logger | None) -> None:
    """Hand the library's messages of this process to a logger; None: to nobody, as at the begin.

    There is never one per frame: a ring made anew, a semaphore re-armed, a writer lost. Not while other threads are
    inside calls of the library.
    """
    global _callback

    def forward(level: int, message: bytes, _context: object) -> None:
        if logger is not None:
            logger.log(_LEVELS.get(level, 30), "%s", message.decode(errors="replace"))

    callback = LogCallback(forward) if logger is not None else LogCallback()
    library.video_shm_set_log(callback, None)
    _callback = callback
