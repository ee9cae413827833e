# SPDX-License-Identifier: Apache-2.0
"""What vshm prints: tables where a person looks, plain text where it is piped, JSON where it is asked for."""

from __future__ import annotations

import dataclasses
import enum
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def printable(text: object) -> str:
    """Text of unknown origin (names of rings, of processes) without what would drive a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))


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


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()) -> None:
    """A table: drawn by rich on a terminal where it is installed, else aligned text. right: columns of numbers."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if is_terminal():
        try:
            from rich.box import SIMPLE
            from rich.console import Console
            from rich.table import Table
            from rich.text import Text
        except ImportError:
            pass
        else:
            table = Table(box=SIMPLE)
            for column in columns:
                table.add_column(column, justify="right" if column in right else "left")
            for cell_row in cells:
                table.add_row(*map(Text, cell_row))
            Console().print(table)
            return
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for row in (columns, *cells):
        aligned = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, cell, width in zip(columns, row, widths, strict=True)
        )
        print("  ".join(aligned).rstrip())


class InPlace:
    """Lines that are shown over and over in the same place, where a person looks."""

    def __init__(self) -> None:
        self.is_terminal = is_terminal()
        self._shown = 0

    def show(self, lines: Sequence[str]) -> None:
        """In place of what was shown before; cut to the terminal's width, so that each line stays one."""
        width = shutil.get_terminal_size().columns
        up = f"\x1b[{self._shown}A\r\x1b[J" if self._shown else ""
        print(up + "\n".join(printable(line)[: width - 1] for line in lines), flush=True)
        self._shown = len(lines)


def complain(error: object) -> None:
    """An error, for people, on stderr: what happened and what to do."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        error = f"{where}{error.strerror}"
    print(f"vshm: {printable(error)}", file=sys.stderr)
