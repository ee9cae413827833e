# SPDX-License-Identifier: Apache-2.0
"""Signal handlers that are called at once, as those of a program in C are, also in the middle of a call."""

from __future__ import annotations

import ctypes

Handler = ctypes.CFUNCTYPE(None, ctypes.c_int)

_libc = ctypes.CDLL(None)
_libc.signal.restype, _libc.signal.argtypes = ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p]


def handle(number: int, handler: ctypes._FuncPointer | None) -> None:
    """Let a Handler take a signal; None: what the kernel does by itself. The caller keeps the Handler."""
    _libc.signal(number, ctypes.cast(handler, ctypes.c_void_p) if handler is not None else None)
