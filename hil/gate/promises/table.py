# SPDX-License-Identifier: Apache-2.0
"""The table of promises: each sentence of video_shm.h and FORMAT.md, and the promise that asks it or why none can."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("table.toml")
SOURCES = ("video_shm.h", "FORMAT.md")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row. source: the file that says it. where: the call, field or section. asked_by: promises; else why_not."""

    source: str
    where: str
    sentence: str
    asked_by: tuple[str, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class PromiseTable:
    """All rows.

    unwritten: promises that neither file states, and why they are asked. seconds: about how long each takes alone, on a
    processor of its own.
    """

    entries: list[Entry]
    unwritten: dict[str, str]
    seconds: dict[str, float]


@cache
def read_table(file: Path = FILE) -> PromiseTable:
    """Return the table of a file. Raises ValueError for an invalid row, or OSError."""
    told = tomllib.loads(file.read_text())
    entries = []
    for source in SOURCES:
        for where, sentences in told[source].items():
            for sentence, answer in sentences.items():
                entries.append(_entry(source, where, sentence, answer))
    return PromiseTable(entries, told["unwritten"], told["seconds"])


def _entry(source: str, where: str, sentence: str, answer: object) -> Entry:
    if isinstance(answer, list) and answer:
        return Entry(source, where, sentence, tuple(answer))
    if isinstance(answer, str) and answer:
        return Entry(source, where, sentence, why_not=answer)
    raise ValueError(f"{source}, {where}, {sentence!r}: neither promises nor the reason why no library can be asked")


def sentences_of(name: str) -> list[str]:
    """Return the sentences that a promise asks, each with its place."""
    table = read_table()
    found = [f"{entry.source}, {entry.where}: {entry.sentence}" for entry in table.entries if name in entry.asked_by]
    return found or [table.unwritten[name]]
