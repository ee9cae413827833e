# SPDX-License-Identifier: Apache-2.0
"""How far a recording is, on stderr, where a person looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from . import units
from .recording import Recording


@contextmanager
def progress(count: int | None, seconds: float | None, quiet: bool) -> Iterator[Callable[[Recording], None]]:
    """A bar where the end is known, and the size so far; nothing where stderr is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda recording: None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
    except ImportError:
        yield _plain
        print(file=sys.stderr)
        return
    columns = (BarColumn(), TextColumn("{task.fields[told]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("record", total=count or seconds, told="")

        def advance(recording: Recording) -> None:
            done = recording.frames if count else recording.seconds
            bar.update(task, completed=done, told=_told(recording))

        yield advance


def _told(recording: Recording) -> str:
    if not recording.frames:
        return f"waiting for a keyframe, {units.seconds(recording.seconds)}"
    missed = f", {recording.missed} missed" if recording.missed else ""
    return f"{recording.frames} frames, {units.size(recording.bytes)}, {units.seconds(recording.seconds)}{missed}"


def _plain(recording: Recording) -> None:
    print(f"\r{_told(recording)}\x1b[K", end="", file=sys.stderr, flush=True)
