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


def last_words(folder: Path) -> str:
    """The interpreter's last words in a report's log, cut to LINES; empty where there are none."""
    log = folder / LOG
    text = log.read_text(errors="replace") if log.is_file() else ""
    _, begin, words = text.rpartition(BEGIN)
    return "\n".join((begin + words).strip().splitlines()[:LINES]) if begin else ""
