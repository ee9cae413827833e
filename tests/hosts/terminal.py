# SPDX-License-Identifier: Apache-2.0
"""A terminal to run a program on."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

TIMEOUT_S = 60


def on_terminal(
    command: Sequence[str],
    *,
    until: str = "",
    by: signal.Signals | bytes = signal.SIGINT,
    columns: int = 120,
    term: str = "xterm",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Return (exit code, what was shown). until: the signal is sent, or the keys are typed, once that was shown."""
    ours, theirs = pty.openpty()
    variables = {**os.environ, "COLUMNS": str(columns), "TERM": term, **(environment or {})}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=variables, cwd=folder, start_new_session=True
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
                if isinstance(by, bytes):
                    os.write(ours, by)
                else:
                    os.killpg(process.pid, by)
                until = ""
        return process.wait(TIMEOUT_S), shown.decode()
    finally:
        process.kill()
        os.close(ours)
