# SPDX-License-Identifier: Apache-2.0
"""Explains the limits of a host to a user: Python's own errors do not name them, and have no class of their own."""

from __future__ import annotations

import errno
import os

from .errors import LIMITS, error_for

_AS_MANY = (
    "this user or container has as many as it may, or no memory is left: end some programs, or raise ulimit -u or -v, "
    "TasksMax= or pids.max"
)
_NO_SOCKETS = (
    "a sandbox refuses sockets of this kind (systemd: RestrictAddressFamilies= allows them), or there is no IPv6 here"
)


def explain(error: BaseException) -> str | None:
    """Return what happened and what to do if the error comes from a limit of the host, else None."""
    if isinstance(error, MemoryError):
        return str(error_for(errno.ENOMEM).strerror)
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return f"no thread can be started: {_AS_MANY}; or an older Docker refuses clone3(): update Docker"
    if isinstance(error, BlockingIOError) and error.strerror == os.strerror(errno.EAGAIN):  # by fork()
        return f"no process can be started: {_AS_MANY}"
    if isinstance(error, ImportError) and not isinstance(error, ModuleNotFoundError):
        return f"a library that this needs can't be loaded: {error}: raise ulimit -v, or install it anew"
    if isinstance(error, OSError) and error.strerror == os.strerror(errno.EAFNOSUPPORT):
        return f"{error.strerror}: {_NO_SOCKETS}"
    if isinstance(error, OSError) and error.errno in LIMITS:
        return str(error_for(error.errno).strerror)
    return None


def require_addresses(what: str, size: int) -> None:
    """Raise OSError if ulimit -v leaves the process less than size bytes of addresses, which something needs."""
    import resource
    from pathlib import Path

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return
    try:
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:  # without /proc
        taken = 0
    if limit - taken < size:
        left = f"{max(limit - taken, 0) >> 20} of the {size >> 20} MiB of addresses that it takes"
        raise OSError(f"{what} can't start: ulimit -v leaves {left}: raise it")


def keep_to_own_threads() -> None:
    """Keep OpenBLAS, which nothing here uses, from starting threads. Call this before numpy is imported.

    OpenBLAS starts a thread with memory of its own for each processor; if it can't, it sends its process SIGINT.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
