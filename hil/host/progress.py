# SPDX-License-Identifier: Apache-2.0
"""Shows the progress of something that takes minutes: a bar on a terminal, else a line per step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from vshm_ctypes.commandline.output import can_redraw

Tell = Callable[[str, float], None]  # called with the current step, and the share that is done, 0 to 1


@contextmanager
def bar(errors: Console) -> Iterator[Tell]:
    """Show a bar on stderr, or plain lines if that is no terminal or can't redraw lines."""
    if not can_redraw(sys.stderr):
        yield lambda what, share: errors.print(f"{share:4.0%} {what}", markup=False, highlight=False)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as shown:
        task = shown.add_task("", total=1.0)
        yield lambda what, share: shown.update(task, description=what, completed=share)
