# SPDX-License-Identifier: Apache-2.0
"""A terminal to run a program on."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Sequence

TIMEOUT_S = 60


def on_terminal(
    command: Sequence[str],
    *,
    until: str = "",
    by: signal.Signals = signal.SIGINT,
    columns: int = 120,
    term: str = "xterm",
) -> tuple[int, str]:
    """(exit code, what was shown). until: the signal is sent once that was shown."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": str(columns), "TERM": term}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    try:
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # how Linux tells the end
                break
            if until and until in shown.decode(errors="replace"):
                os.killpg(process.pid, by)
                until = ""
        return process.wait(TIMEOUT_S), shown.decode()
    finally:
        process.kill()
        os.close(ours)
