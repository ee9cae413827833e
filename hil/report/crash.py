# SPDX-License-Identifier: Apache-2.0
"""Explains a pytest that was ended by a signal: which one, and where the interpreter was."""

from __future__ import annotations

import signal
from pathlib import Path

LOG = "pytest.log"  # in a report's folder: what every pytest of the run printed
BEGIN = "Fatal Python error: "  # faulthandler's line, which pytest turns on
LINES = 40


def signal_of(code: int) -> str | None:
    """Return the name of the signal in the exit code of a process or a shell, or None if it was not ended by one."""
    number = -code if code < 0 else code - 128
    return next((known.name for known in signal.Signals if known == number), None)


def crash(folder: Path, code: int) -> str | None:
    """Return what ended a pytest, with its last words from a report's log, or None if it was not ended by a signal."""
    name = signal_of(code)
    if name is None:
        return None
    log = folder / LOG
    text = log.read_text(errors="replace") if log.is_file() else ""
    _, begin, words = text.rpartition(BEGIN)
    if not begin:  # nothing was printed, as for SIGKILL
        return f"pytest was ended by {name}; its output is in {log}"
    return "\n".join([f"pytest was ended by {name}; {log} says:", *(begin + words).strip().splitlines()[:LINES]])
