# SPDX-License-Identifier: Apache-2.0
"""A host's limits, for programs: what Python says of them is no word for a user, and has no class of its own."""

from __future__ import annotations

import errno
import os

from .errors import error_for

_TOLD = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def explain(error: BaseException) -> str | None:
    """What happened and what to do, where a limit of the host ended a program; None: it is something else."""
    if isinstance(error, MemoryError):
        return str(error_for(errno.ENOMEM).strerror)
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return (
            "no thread can be started: this user or container has as many as it may: end some programs, or raise "
            "ulimit -u, TasksMax= or pids.max"
        )
    if isinstance(error, ImportError) and not isinstance(error, ModuleNotFoundError):
        return f"a library that this needs can't be loaded: {error}: raise ulimit -v, or install it anew"
    if isinstance(error, OSError) and error.errno in _TOLD:
        return str(error_for(error.errno).strerror)
    return None


def keep_to_own_threads() -> None:
    """Before numpy is imported: OpenBLAS, which nothing here uses, then starts no threads.

    It starts one for each processor, with memory for each; where it can't, it sends its process SIGINT.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
