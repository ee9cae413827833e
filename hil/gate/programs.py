# SPDX-License-Identifier: Apache-2.0
"""Runs programs that were compiled with one build's header on the library of the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..workers.c_sources import include_folder
from .asking import ask, verdict_of_broken
from .libraries import Library
from .mixed import is_mixed, obstacle_between
from .promises import PROMISES
from .promises.header import NAME, Header
from .promises.troupe import Told
from .result import UNASKED, Row, RowVerdict

HEADERS = "mixed_headers"
MEANINGS = {
    "mixed_program_of_baseline": "What was compiled with the baseline's header runs with the candidate.",
    "mixed_program_of_candidate": "What is compiled with the candidate's header runs with the baseline.",
}
# A newer header declares more than an older library has, so these concern one tree alone.
OF_ONE_TREE = ("exports_every_call", "lays_its_types_out_as_declared")


def program_rows(answers: Mapping[str, Told], baseline: Library, candidate: Library) -> Iterator[Row]:
    """Yield what moved or disappeared between the two headers, and a row for each of MEANINGS.

    A row is worse if a promise is broken that each library keeps with its own header.
    """
    headers = [library.header or include_folder() / NAME for library in (baseline, candidate)]
    old, new = (Header(header.read_text()) for header in headers)
    changes = list(differences(old, new))
    detail = f"declared otherwise: {', '.join(changes)}" if changes else ""
    yield Row(HEADERS, "mixed", RowVerdict.WORSE if changes else RowVerdict.SAME, detail=detail)
    are_one = (old.structs, old.enums, _types(old)) == (new.structs, new.enums, _types(new))
    obstacle = obstacle_between(baseline, candidate)
    for name, header, library in zip(MEANINGS, headers, (candidate, baseline), strict=True):
        row = Row(name, "mixed", RowVerdict.SAME)
        if obstacle:
            row.verdict, row.detail = RowVerdict.UNMEASURED, UNASKED + obstacle
        elif not are_one:
            names = [each for each in _kept(answers) if library is candidate or each not in OF_ONE_TREE]
            told = ask(names, library.path, header=header)
            broken = [each for each in told.values() if each.broken]
            before = ask([each.name for each in broken], baseline.path, header=headers[0])
            worse = [each for each in broken if verdict_of_broken(before[each.name]) is RowVerdict.WORSE]
            if worse:
                row.verdict = RowVerdict.WORSE
                row.detail = f"{MEANINGS[name]} {'; '.join(f'{each.name}: {each.broken[0]}' for each in worse)}"
        yield row


def _kept(answers: Mapping[str, Told]) -> list[str]:
    """Return the short promises that the candidate keeps by itself."""
    kept = [name for name, told in answers.items() if not told.broken and not told.unasked]
    return [name for name in kept if is_mixed(name) and not PROMISES[name].measures]


def differences(old: Header, new: Header) -> Iterator[str]:
    """Yield what programs of one header understand differently from those of the other; additions are no difference."""
    for name, fields in old.structs.items():
        before, after = list(fields.items()), list(new.structs.get(name, {}).items())
        grows = "struct_size" in fields and len(after) > len(before)
        if (after[: len(before)] if grows else after) != before:
            yield name
    for name, values in old.enums.items():
        yield from (key for key, value in values.items() if new.enums.get(name, {}).get(key) != value)
    theirs = _types(new)
    yield from (name for name, types in _types(old).items() if theirs.get(name) != types)


def _types(header: Header) -> dict[str, tuple[str, list[str]]]:
    return {name: (call.result, call.arguments) for name, call in header.calls.items()}
