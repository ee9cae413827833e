# SPDX-License-Identifier: Apache-2.0
"""Asks a library what it promises, and judges a candidate by it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from vshm_ctypes.commandline.child import end_child
from vshm_ctypes.commandline.ending import held

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
    """What a library keeps and breaks. tell: is told the name of each promise as it is known. limit_s: for each.

    first: whose the first writer of each ring is (see Pair); None: the library is alone. header: that of the
    program that asks; None: this gate's. All run in other processes: a crash or a hang is an answer too, and nothing is
    left of them.
    """
    if not names:
        return {}
    answers: dict[str, Told] = {}
    command = [sys.executable, "-m", f"{__package__}.promises"]
    command += [str(limit_s), str(first or library), str(library), *names]
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
            start_new_session=True,  # Ctrl-C is for us: then we end it, and it puts away what is at work
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
    """A row for each: worse where only the candidate breaks it. The baseline is asked only then.

    heard: gets what the candidate answered.
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
    """Of a promise that the candidate breaks. before: what the baseline, alone, answered."""
    if before.unasked.startswith(LACKS):
        return RowVerdict.NEW
    return RowVerdict.AS_BEFORE if before.broken or before.unasked else RowVerdict.WORSE


def obstacle_of(*libraries: Library) -> str:
    """Why one of them can't be loaded here; empty: all can."""
    return next((f"{library.label}: {library.obstacle}" for library in libraries if library.obstacle), "")


def in_words(told: Told, of: str) -> str:
    """What was promised, expected and seen, and how it is seen alone."""
    promised = PROMISES[told.name].meaning
    return f"{promised} {'; '.join(told.broken)} (alone: hil gate promise {told.name} {of})"
