# SPDX-License-Identifier: Apache-2.0
"""``hil gate promise NAME --library PATH``: promises alone, with all that was expected and seen."""

from __future__ import annotations

import argparse
from collections import Counter

from rich.console import Console

from vshm_ctypes.cli.ending import held

from ..exit import Exit
from .asking import ask
from .libraries import Library, obtain, workshop
from .promises import PROMISES
from .promises.table import sentences_of
from .promises.troupe import Told

ALL = "all"


def run(options: argparse.Namespace, console: Console) -> int:
    """Ask those of options.promises. Returns the exit code. Raises ValueError, LibraryError, OSError."""
    names = list(PROMISES) if ALL in options.promises else options.promises
    if unknown := sorted(set(names) - set(PROMISES)):
        raise ValueError(f"no promise {', '.join(unknown)}: there are {', '.join(PROMISES)}")
    with held() as hold, workshop("promise-") as folder, hold.lifted():
        library = obtain(options.library, None, folder)
        if library.obstacle:
            answers = {name: Told(name, unasked=library.obstacle) for name in names}
        else:
            answers = ask(names, library.path)
    for name in names:
        told = answers[name]
        word = "broken" if told.broken else "not asked" if told.unasked else "kept"
        console.print(f"{name}: {word}, {told.seconds:.2f} s", markup=False, highlight=False)
        if len(names) == 1 or told.broken:
            _print_all(console, "asked: ", [PROMISES[name].meaning])
            _print_all(console, "promised: ", sentences_of(name))
        _print_all(console, "", [*told.broken, *filter(None, [told.unasked])])
    console.print(_summary(library, list(answers.values())), markup=False, highlight=False, soft_wrap=True)
    if any(answers[name].broken for name in names):
        return Exit.FAIL
    return Exit.INVALID if any(answers[name].unasked for name in names) else Exit.PASS


def _summary(library: Library, answers: list[Told]) -> str:
    """How many were kept, and why others were not asked."""
    broken = sum(bool(told.broken) for told in answers)
    unasked = Counter(told.unasked for told in answers if told.unasked and not told.broken)
    kept = len(answers) - broken - unasked.total()
    what = " and ".join(map(str, [library.label, *library.beside]))
    reasons = "".join(f"; {count} because {reason}" for reason, count in unasked.items())
    return f"{what}: {kept} kept, {broken} broken, {unasked.total()} not asked{reasons}"


def _print_all(console: Console, before: str, lines: list[str]) -> None:
    for line in lines:
        console.print(f"    {before}{line}", markup=False, highlight=False, soft_wrap=True)
