# SPDX-License-Identifier: Apache-2.0
"""``hil gate promise NAME --library PATH``: promises alone, with all that was expected and seen."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from rich.console import Console

from ..exit import Exit
from .asking import ask
from .libraries import cache_folder, obtain
from .promises import PROMISES
from .promises.table import sentences_of

ALL = "all"


def run(options: argparse.Namespace, console: Console) -> int:
    """Ask those of options.promises. Returns the exit code. Raises ValueError, LibraryError, OSError."""
    names = list(PROMISES) if ALL in options.promises else options.promises
    if unknown := sorted(set(names) - set(PROMISES)):
        raise ValueError(f"no promise {', '.join(unknown)}: there are {', '.join(PROMISES)}")
    cache_folder().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="promise-", dir=cache_folder()))
    try:
        library = obtain(options.library, None, folder)
        answers = ask(names, library.path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name in names:
        told = answers[name]
        word = "broken" if told.broken else "not asked" if told.unasked else "kept"
        console.print(f"{name}: {word}, {told.seconds:.2f} s", markup=False, highlight=False)
        if len(names) == 1 or told.broken:
            _print_all(console, "asked: ", [PROMISES[name].meaning])
            _print_all(console, "promised: ", sentences_of(name))
        _print_all(console, "", [*told.broken, *filter(None, [told.unasked])])
    if any(answers[name].broken for name in names):
        return Exit.FAIL
    return Exit.INVALID if any(answers[name].unasked for name in names) else Exit.PASS


def _print_all(console: Console, before: str, lines: list[str]) -> None:
    for line in lines:
        console.print(f"    {before}{line}", markup=False, highlight=False, soft_wrap=True)
