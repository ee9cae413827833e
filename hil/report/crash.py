# SPDX-License-Identifier: Apache-2.0
"""A pytest that a signal ended: which, and what the interpreter could still say of where it was."""

from __future__ import annotations

import signal
from pathlib import Path

LOG = "pytest.log"  # of a report's folder: what every pytest of the run printed
BEGIN = "Fatal Python error: "  # faulthandler's, which pytest turns on
LINES = 40


def signal_of(code: int) -> str | None:
    """The signal's name, from a process's exit code or a shell's; None: it ended by itself."""
    number = -code if code < 0 else code - 128
    return next((known.name for known in signal.Signals if known == number), None)


def crash(folder: Path, code: int) -> str | None:
    """What is to be said of a pytest that ended so, its last words in a report's log included; None: no signal did."""
    name = signal_of(code)
    if name is None:
        return None
    log = folder / LOG
    text = log.read_text(errors="replace") if log.is_file() else ""
    _, begin, words = text.rpartition(BEGIN)
    if not begin:  # as of SIGKILL, which leaves no time for any
        return f"pytest was ended by {name}; its output is in {log}"
    return "\n".join([f"pytest was ended by {name}; {log} says:", *(begin + words).strip().splitlines()[:LINES]])
