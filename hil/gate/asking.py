# SPDX-License-Identifier: Apache-2.0
"""Asks a library its promises, and judges a candidate by them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from vshm_ctypes.commandline.child import end_child
from vshm_ctypes.commandline.ending import held
from vshm_ctypes.commandline.own_module import own_module

from ..processes.environment import child_environment
from .libraries import Library
from .promises import PROMISES
from .promises.header import CHOSEN
from .promises.troupe import LACKS, LIMIT_S, Told
from .result import UNASKED, Row, RowVerdict

END_TIMEOUT_S = 10.0


def ask(
    names: Sequence[str],
    library: Path,
    tell: Callable[[str], None] = lambda name: None,
    limit_s: float = LIMIT_S,
    first: Path | None = None,
    header: Path | None = None,
) -> dict[str, Told]:
    """Return what a library keeps and breaks. tell: is called with the name of each promise as it is known.

    limit_s: for each promise. first: the library of each ring's first writer (see Pair), or None. header: the one with
    which the asking program was compiled, or None for this gate's. All run in other processes: a crash or a hang is an
    answer too, and no process is left.
    """
    if not names:
        return {}
    answers: dict[str, Told] = {}
    command = own_module(f"{__package__}.promises", str(limit_s), str(first or library), str(library), *names)
    with (
        held() as hold,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=child_environment() | ({CHOSEN: str(header)} if header else {}),
            start_new_session=True,  # Ctrl-C must reach this process only, which ends that one and lets it clean up
        ) as troupe,
    ):
        assert troupe.stdout is not None and troupe.stderr is not None
        try:
            with hold.lifted():
                for line in troupe.stdout:
                    told = Told(**json.loads(line))
                    answers[told.name] = told
                    tell(told.name)
                complaints = troupe.stderr.read().strip()
        finally:
            end_child(troupe, END_TIMEOUT_S)
    for name in names:
        if name not in answers:
            why = complaints.splitlines()[-1] if complaints else f"the asking ended with {troupe.returncode}"
            answers[name] = Told(name, broken=[why])
    return {name: answers[name] for name in names}


def promise_rows(
    names: Sequence[str],
    baseline: Library,
    candidate: Library,
    tell: Callable[[str], None] = lambda name: None,
    heard: dict[str, Told] | None = None,
) -> Iterator[Row]:
    """Return a row for each promise, worse where only the candidate breaks it. Only then is the baseline asked.

    heard: is filled with the candidate's answers.
    """
    if obstacle := obstacle_of(baseline, candidate):
        yield from (Row(name, "promise", RowVerdict.UNMEASURED, detail=UNASKED + obstacle) for name in names)
        return
    answers = ask(names, candidate.path, tell)
    if heard is not None:
        heard.update(answers)
    before = ask([name for name in names if answers[name].broken], baseline.path, tell)
    for name in names:
        told = answers[name]
        row = Row(name, "promise", RowVerdict.SAME)
        if told.broken:
            row.verdict = verdict_of_broken(before[name])
            row.detail = in_words(told, f"--library {candidate.label}")
        elif told.unasked:
            row.verdict, row.detail = RowVerdict.UNMEASURED, UNASKED + told.unasked
        yield row


def verdict_of_broken(before: Told) -> RowVerdict:
    """Return the verdict on a promise that the candidate breaks. before: the answer of the baseline alone."""
    if before.unasked.startswith(LACKS):
        return RowVerdict.NEW
    return RowVerdict.AS_BEFORE if before.broken or before.unasked else RowVerdict.WORSE


def obstacle_of(*libraries: Library) -> str:
    """Return why one of the libraries can't be loaded here, or an empty text."""
    return next((f"{library.label}: {library.obstacle}" for library in libraries if library.obstacle), "")


def in_words(told: Told, of: str) -> str:
    """Return what was promised, expected and seen, and how to ask it alone."""
    promised = PROMISES[told.name].meaning
    return f"{promised} {'; '.join(told.broken)} (alone: hil gate promise {told.name} {of})"
