# SPDX-License-Identifier: Apache-2.0
"""``hil gate promise NAME --library PATH`` asks single promises, and prints all that was expected and seen.

With --beside, two builds share rings: either writes first, the other one reads, and writes next.
"""

from __future__ import annotations

import argparse
from collections import Counter

from rich.console import Console

from vshm_ctypes.commandline.ending import held

from ..figures.exit import Exit
from .asking import ask
from .libraries import Library, obtain, workshop
from .mixed import obstacle_between
from .promises import PROMISES
from .promises.table import sentences_of
from .promises.troupe import Told

ALL = "all"


def run(options: argparse.Namespace, console: Console) -> int:
    """Ask the promises of options.promises. Returns the exit code. Raises ValueError, LibraryError or OSError."""
    names = list(PROMISES) if ALL in options.promises else options.promises
    if unknown := sorted(set(names) - set(PROMISES)):
        raise ValueError(f"no promise {', '.join(unknown)}: there are {', '.join(PROMISES)}")
    with held() as hold, workshop("promise-") as folder, hold.lifted():
        library = obtain(options.library, None, folder / "library")
        if options.beside is None:
            return _ask(console, names, library, None)
        beside = obtain(options.beside, None, folder / "beside")
        codes = [_ask(console, names, other, first) for first, other in ((beside, library), (library, beside))]
        return next((code for code in (Exit.FAIL, Exit.INVALID) if code in codes), Exit.PASS)


def _ask(console: Console, names: list[str], library: Library, first: Library | None) -> int:
    """Ask promises and print the answers.

    first: the library of each ring's first writer, or None. Returns the exit code.
    """
    obstacle, path = library.obstacle, None
    if first is not None:
        said = f"{first.label} writes first, {library.label} reads and follows:"
        console.print(said, markup=False, highlight=False, soft_wrap=True)
        obstacle, path = obstacle_between(library, first), first.path
    answers = {name: Told(name, unasked=obstacle) for name in names}
    if not obstacle:
        answers = ask(names, library.path, first=path)
    for name, told in answers.items():
        word = "broken" if told.broken else "not asked" if told.unasked else "kept"
        console.print(f"{name}: {word}, {told.seconds:.2f} s", markup=False, highlight=False)
        if len(names) == 1 or told.broken:
            _print_all(console, "asked: ", [PROMISES[name].meaning])
            _print_all(console, "promised: ", sentences_of(name))
        _print_all(console, "", [*told.broken, *filter(None, [told.unasked])])
    console.print(_summary(library, list(answers.values())), markup=False, highlight=False, soft_wrap=True)
    if any(told.broken for told in answers.values()):
        return Exit.FAIL
    return Exit.INVALID if any(told.unasked for told in answers.values()) else Exit.PASS


def _summary(library: Library, answers: list[Told]) -> str:
    """Return how many promises were kept, and why others were not asked."""
    broken = sum(bool(told.broken) for told in answers)
    unasked = Counter(told.unasked for told in answers if told.unasked and not told.broken)
    kept = len(answers) - broken - unasked.total()
    what = " and ".join(map(str, [library.label, *library.beside]))
    reasons = "".join(f"; {count} because {reason}" for reason, count in unasked.items())
    return f"{what}: {kept} kept, {broken} broken, {unasked.total()} not asked{reasons}"


def _print_all(console: Console, before: str, lines: list[str]) -> None:
    for line in lines:
        console.print(f"    {before}{line}", markup=False, highlight=False, soft_wrap=True)
