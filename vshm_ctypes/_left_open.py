# SPDX-License-Identifier: Apache-2.0
"""Closes the rings that a program leaves open at a regular end of the interpreter.

Where no other thread runs, the collection of garbage does; beside one, as daemons are, it collects nothing.
"""

from __future__ import annotations

import atexit
import os
from _thread import get_ident
from _warnings import warn
from contextlib import ExitStack
from weakref import WeakSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .producer import Producer

_PATIENCE_S = 1.0  # only a callback of the log can keep a thread in a call for longer
_producers: WeakSet[Producer] = WeakSet()


def close_at_end(producer: Producer) -> None:
    """Close it at the end, unless the program does, or a thread that nobody waits for does not leave its call."""
    _producers.add(producer)


def _close(producer: Producer) -> None:
    if not producer._open or producer._pid != os.getpid() or not producer._lock.acquire(timeout=_PATIENCE_S):
        return
    told = f"{producer!r} was never closed"
    try:
        producer._patience_s, producer._ended_by, producer._open = _PATIENCE_S, get_ident(), False
        producer._destroy()
    finally:
        producer._lock.release()
    warn(told, ResourceWarning, source=producer)


@atexit.register
def _close_all() -> None:
    with ExitStack() as all_of_them:
        for producer in tuple(_producers):
            all_of_them.callback(_close, producer)
