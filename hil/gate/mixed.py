# SPDX-License-Identifier: Apache-2.0
"""Mixed builds: programs are updated separately, so baseline and candidate share rings, and must keep all promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .asking import ask, in_words, obstacle_of, verdict_of_broken
from .libraries import Library
from .promises import PROMISES
from .promises.table import read_table
from .promises.troupe import Told
from .result import UNASKED, Row, RowVerdict

PREFIX = "mixed_"
MOST_S = 0.5  # of a promise alone; longer ones mostly wait, fill memory, or open ten thousand rings
MEASURED = ("wakes_", "notices_")  # who is woken, and who notices; other measurements concern one build alone


def is_mixed(name: str) -> bool:
    """Return whether a promise is short enough to be asked twice more, and has two sides."""
    if PROMISES[name].measures:
        return name.startswith(MEASURED)
    return read_table().seconds[name] <= MOST_S


def mixed_rows(
    answers: Mapping[str, Told], baseline: Library, candidate: Library, tell: Callable[[str], None] = lambda name: None
) -> Iterator[Row]:
    """Yield a row for each of the candidate's answers that has two sides, worse where only the mix breaks it.

    First the baseline's writers meet the candidate's readers and next writers, then the reverse.
    """
    names = [name for name, told in answers.items() if told.met and not told.broken and is_mixed(name)]
    if obstacle := obstacle_between(baseline, candidate):
        yield from (Row(PREFIX + name, "mixed", RowVerdict.UNMEASURED, detail=UNASKED + obstacle) for name in names)
        return
    ways = [(baseline, candidate), (candidate, baseline)]
    told = [_steadily(names, first, other, tell) for first, other in ways]
    broken = [name for name in names if any(way[name].broken for way in told)]
    before = ask(broken, baseline.path)
    for name in names:
        row = Row(PREFIX + name, "mixed", RowVerdict.SAME)
        words = [
            f"{first.label} writes first, {other.label} reads and follows: {'; '.join(way[name].broken)}"
            for (first, other), way in zip(ways, told, strict=True)
            if way[name].broken
        ]
        unasked = next((way[name].unasked for way in told if way[name].unasked), "")
        if words:
            row.verdict = verdict_of_broken(before[name])
            row.detail = in_words(Told(name, words), f"--library {candidate.label} --beside {baseline.label}")
        elif unasked:
            row.verdict, row.detail = RowVerdict.UNMEASURED, UNASKED + unasked
        yield row


def obstacle_between(*libraries: Library) -> str:
    """Return why one process can't load both, or an empty text. A wrapper may get the other library's calls."""
    if obstacle := obstacle_of(*libraries):
        return obstacle
    files = {library.path.resolve() for library in libraries}
    for library in libraries:
        if apart := [str(path) for path in library.beside if path not in files]:
            return (
                f"{library.label} passes calls on to {', '.join(apart)}, which one process can't keep from the other's"
            )
    return ""


def _steadily(names: list[str], first: Library, other: Library, tell: Callable[[str], None]) -> dict[str, Told]:
    """Ask promises, and repeat those that were broken: two builds understand each other always or never."""
    told = ask(names, other.path, tell, first=first.path)
    return told | ask([name for name in names if told[name].broken], other.path, first=first.path)
