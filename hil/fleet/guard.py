# SPDX-License-Identifier: Apache-2.0
"""A process that removes all that a fleet leaves, however the fleet ends.

It leads the process group of all workers, and waits until the fleet closes its end of a pipe, which the kernel does for
a killed one. It then kills what is left of the group, and removes the ring's names and the fleet's files. Every fleet
ends like this.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

from hil.processes.process_group import sweep
from hil.workers.child import warm_up
from hil.workers.shared_memory import remove_channel

PATIENCE_S = 120.0  # a warm interpreter starts slowly on an emulated processor
QUIET_S = 0.3  # a worker that was being started when the fleet was killed joins the group within that time


def _guard(pipe: Connection, channel: int, folder: str, fleet_ended: bool = False) -> None:
    os.setpgid(0, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    pipe.send(os.getpid())
    with contextlib.suppress(EOFError, OSError):
        fleet_ended = pipe.recv()  # True: every process that the fleet started is known to have ended
    deadline = time.monotonic() + PATIENCE_S
    quiet_since = time.monotonic()
    while time.monotonic() < deadline:
        if not sweep(os.getpid(), spare=os.getpid()):
            quiet_since = time.monotonic()
        elif fleet_ended or time.monotonic() - quiet_since > QUIET_S:
            break
        time.sleep(0.02)
    remove_channel(channel)
    shutil.rmtree(folder, ignore_errors=True)


class Guard:
    """The fleet's side. folder: the fleet's files. group: the process group for its workers."""

    def __init__(self, channel: int, folder: Path) -> None:
        warm_up()
        context = multiprocessing.get_context("forkserver")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_guard, args=(theirs, channel, str(folder)), name="guard")
        self._process.start()
        theirs.close()
        if not self._pipe.poll(PATIENCE_S):
            raise TimeoutError(f"the fleet's guard did not start within {PATIENCE_S:g} s")
        self.group: int = self._pipe.recv()

    def release(self) -> None:
        """Let the guard clean up, and wait until it has. A second call does nothing."""
        if not self._pipe.closed:
            with contextlib.suppress(OSError):
                self._pipe.send(True)
            self._pipe.close()
        self._process.join(PATIENCE_S * 2)
