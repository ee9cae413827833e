# SPDX-License-Identifier: Apache-2.0
"""Shows the progress of a recording on stderr, if that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ...commandline.output import can_redraw, say, say_over
from .. import units
from .recording import Recording


@contextmanager
def progress(count: int | None, seconds: float | None, quiet: bool) -> Iterator[Callable[[Recording], None]]:
    """Show a bar if the end is known, and the size so far; nothing if stderr can't be redrawn."""
    if quiet or not can_redraw(sys.stderr):
        yield lambda recording: None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
    except ImportError:
        yield _plain
        say("")
        return
    columns = (BarColumn(), TextColumn("{task.fields[told]}"))
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("record", total=count or seconds, told="")

    def advance(recording: Recording) -> None:
        done = recording.frames if count else recording.seconds
        bar.update(task, completed=done, told=_told(recording))

    try:
        with suppress(OSError):  # the recording goes on if its terminal is closed
            bar.start()
        yield advance
    finally:
        with suppress(OSError):
            bar.stop()


def _told(recording: Recording) -> str:
    if not recording.frames:
        return f"waiting for a keyframe, {units.seconds(recording.seconds)}"
    missed = f", {recording.missed} missed" if recording.missed else ""
    return f"{recording.frames} frames, {units.size(recording.bytes)}, {units.seconds(recording.seconds)}{missed}"


def _plain(recording: Recording) -> None:
    say_over(_told(recording))
