# SPDX-License-Identifier: Apache-2.0
"""Prints tables: drawn on a terminal, aligned text in a pipe. A narrow terminal loses columns, but never digits."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from textwrap import fill, wrap

from ..printable import printable
from .output import cut, is_terminal, painted, say, shows_colours, width_of

LAST_COLUMN = 24  # the last column may be long, such as all readers of a ring, but never gets narrower than this
COMFORTABLE, SHORTEST = 24, 12  # widths of a shortened column
_GAP = "  "
Style = Callable[[str, str], str]  # returns rich's name of a style for (column, cell)


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    right: Sequence[str] = (),
    first_to_go: Sequence[str] = (),
    shortened: Sequence[str] = (),
    style: Style | None = None,
) -> None:
    """Print a table: drawn by rich on a terminal if it is installed, else as aligned text.

    Args:
        columns: the heads.
        rows: the cells.
        right: columns that are aligned to the right.
        first_to_go: columns that are left out, in this order, if the terminal is too narrow.
        shortened: columns of text that are shortened if it is still too narrow. If even that does not help, each row
            is printed as a paragraph.
        style: returns the style of a cell.
    """
    names, cells = list(columns), [[printable(cell) for cell in row] for row in rows]
    if not is_terminal():
        _print_aligned(names, cells, right)
        return
    excess = partial(_excess, names, cells)
    left_out = _fit(names, cells, first_to_go, shortened, excess)
    if excess() > 0:
        _print_paragraphs(columns, [[printable(cell) for cell in row] for row in rows])
        return
    try:
        _draw(names, cells, right, style if shows_colours() else None)
    except ImportError:
        _print_aligned(names, cells, right)
    if left_out:
        told = f"too narrow for {', '.join(left_out)}: widen the terminal, or see --json"
        for line in wrap(told, shutil.get_terminal_size().columns - 1):
            say(line)


def table_lines(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    width: int,
    right: Sequence[str] = (),
    first_to_go: Sequence[str] = (),
    shortened: Sequence[str] = (),
    style: Style | None = None,
) -> list[str]:
    """Return a table as lines, a head and one for each row, none wider than width columns."""
    names, cells = list(columns), [[printable(cell) for cell in row] for row in rows]

    def excess() -> int:
        widths = _widths(names, cells)
        return sum(widths) + len(_GAP) * (len(widths) - 1) - width

    for name in shortened if excess() > 0 else ():  # so that one long name does not cost a column
        _shorten(cells, names.index(name), COMFORTABLE)
    _fit(names, cells, first_to_go, shortened, excess)
    if excess() > 0:
        return [cut(line, width) for line in _aligned(names, cells, right)]
    return list(_aligned(names, cells, right, style))


def _widths(names: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(width_of, column)) for column in zip(names, *cells, strict=True)]


def _excess(names: Sequence[str], cells: Sequence[Sequence[str]]) -> int:
    """Return by how many columns the table drawn by rich is wider than the terminal."""
    widths = _widths(names, cells)
    return sum(widths[:-1]) + min(widths[-1], LAST_COLUMN) + 3 * len(widths) - shutil.get_terminal_size().columns


def _fit(
    names: list[str],
    cells: list[list[str]],
    first_to_go: Sequence[str],
    shortened: Sequence[str],
    excess: Callable[[], int],
) -> list[str]:
    """Leave out columns while there is an excess, then shorten some. Returns the columns that were left out."""
    left_out = []
    for name in first_to_go:
        if excess() > 0 and name in names:
            left_out.append(name)
            at = names.index(name)
            for row in (names, *cells):
                del row[at]
    for name in shortened:
        _shorten(cells, names.index(name), max(_widths(names, cells)[names.index(name)] - max(excess(), 0), SHORTEST))
    return left_out


def _shorten(cells: list[list[str]], at: int, width: int) -> None:
    for row in cells:
        if width_of(row[at]) > width:  # cut at the start, since names differ at their end
            row[at] = f"…{cut(row[at][::-1], width - 1)[::-1].removeprefix('…')}"


def _aligned(
    names: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[str], style: Style | None = None
) -> Iterator[str]:
    widths = _widths(names, cells)
    for row in (names, *cells):
        line = []
        for name, cell, width in zip(names, row, widths, strict=True):
            room = " " * (width - width_of(cell))
            told = painted(cell, style(name, cell)) if style is not None and row is not names else cell
            line.append(f"{room}{told}" if name in right else f"{told}{room}")
        yield _GAP.join(line).rstrip()


def _print_aligned(names: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[str]) -> None:
    for line in _aligned(names, cells, right):
        print(line)


def _draw(names: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[str], style: Style | None) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE)
    for name in names:
        is_number = name in right
        table.add_column(name, justify="right" if is_number else "left", no_wrap=is_number or name != names[-1])
    for row in cells:
        styles = [style(name, cell) if style is not None else "" for name, cell in zip(names, row, strict=True)]
        table.add_row(*(Text(cell, style=one) for cell, one in zip(row, styles, strict=True)))
    Console(file=sys.stdout, color_system="auto" if shows_colours() else None).print(table)


def _print_paragraphs(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Print each row as a paragraph, for a terminal that is too narrow for a table."""
    width = shutil.get_terminal_size().columns
    for first, *rest in cells:
        told = ", ".join(f"{column.lower()} {cell}" for column, cell in zip(columns[1:], rest, strict=True))
        print(first, fill(told, width, initial_indent="  ", subsequent_indent="  "), sep="\n")
