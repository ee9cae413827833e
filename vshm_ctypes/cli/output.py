# SPDX-License-Identifier: Apache-2.0
"""What vshm prints: tables where a person looks, plain text where it is piped, JSON where it is asked for."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from textwrap import fill
from typing import Any, TextIO

from ..limits import explain
from .disk_advice import disk_advice

LAST_COLUMN = 24  # it may be long, such as all readers of a ring: narrower than this it is no column


def printable(text: object) -> str:
    """Text of unknown origin (names of rings, of processes); what would drive a terminal is shown escaped: \\x1b."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in str(text))


def _escaped(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # a byte of a file's name that is no text
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def plain(value: object) -> Any:
    """What json takes: dataclasses become objects, enums their names in lower case, paths text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, enum.Enum):
        return value.name.lower() if value.name else value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def print_json(value: object) -> None:
    """One JSON document on one line."""
    print(json.dumps(plain(value)), flush=True)


def is_terminal() -> bool:
    """Whether a person looks at the output."""
    return sys.stdout.isatty()


def can_redraw(stream: TextIO) -> bool:
    """Whether what a stream shows can be shown anew in its place: it is a terminal, and one that moves its cursor.

    Emacs and many a serial console say TERM=dumb, or nothing.
    """
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def shows_colours() -> bool:
    """Whether stdout is a terminal that has some, and its user wants them: https://no-color.org."""
    return can_redraw(sys.stdout) and not os.environ.get("NO_COLOR")


def say(text: object, end: str = "\n") -> None:
    """A line for people, on stderr; nothing where that is gone, as a terminal that was closed is."""
    with suppress(OSError):
        print(text, end=end, file=sys.stderr, flush=True)


def let_go_of_output() -> None:
    """What can't be printed any more, since whoever read it is gone, shall not be tried at the interpreter's end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # Python keeps it, and would try again, and exit with 120
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()) -> None:
    """A table: drawn by rich on a terminal where it is installed, else aligned text. right: columns of numbers."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    if is_terminal():
        if sum(widths[:-1]) + min(widths[-1], LAST_COLUMN) + 3 * len(widths) > shutil.get_terminal_size().columns:
            _print_paragraphs(columns, cells)
            return
        with suppress(ImportError):
            _draw_table(columns, cells, right)
            return
    for row in (columns, *cells):
        aligned = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, cell, width in zip(columns, row, widths, strict=True)
        )
        print("  ".join(aligned).rstrip())


def _draw_table(columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[str]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=column != columns[-1])
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)


def _print_paragraphs(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """What is too wide for a table: cut off or broken into letters, it would tell nothing."""
    width = shutil.get_terminal_size().columns
    for first, *rest in cells:
        told = ", ".join(f"{column.lower()} {cell}" for column, cell in zip(columns[1:], rest, strict=True))
        print(first, fill(told, width, initial_indent="  ", subsequent_indent="  "), sep="\n")


class InPlace:
    """Lines that are shown over and over in the same place, where a person looks and the terminal can."""

    def __init__(self) -> None:
        self.can_redraw = can_redraw(sys.stdout)
        self._shown = 0

    def show(self, lines: Sequence[str]) -> None:
        """In place of what was shown before; cut to the terminal's width, so that each line stays one."""
        width = shutil.get_terminal_size().columns
        up = f"\x1b[{self._shown}A\r\x1b[J" if self._shown else ""
        print(up + "\n".join(printable(line)[: width - 1] for line in lines), flush=True)
        self._shown = len(lines)


def counted(count: int, noun: str) -> str:
    """A number of things."""
    return f"{count} {noun}{'' if count == 1 else 's' if not noun.endswith('s') else 'es'}"


def describe(error: object) -> str:
    """An error for people: of which ring or file, what happened and what to do."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        advice = disk_advice(error)
        error = f"{where}{explain(error) or error.strerror}{f': {advice}' if advice else ''}"
    return printable(error)


def complain(error: object, program: str = "vshm") -> None:
    """An error, for people, on stderr: what happened and what to do."""
    say(f"{program}: {describe(error)}")
