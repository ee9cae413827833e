# SPDX-License-Identifier: Apache-2.0
"""Where verdicts and tables are printed: a terminal has a width, a pipe or a file has none."""

from __future__ import annotations

import os
import sys

from rich.console import Console

NO_WIDTH = 10_000  # columns; what is printed there is as long as it is


def console(*, stderr: bool = False) -> Console:
    """Return a console for a standard stream. Nothing is wrapped but on a terminal, or where COLUMNS asks for it."""
    stream = sys.stderr if stderr else sys.stdout
    has_width = stream.isatty() or "COLUMNS" in os.environ
    return Console(stderr=stderr, width=None if has_width else NO_WIDTH)
