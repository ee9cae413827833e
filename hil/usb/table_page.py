# SPDX-License-Identifier: Apache-2.0
"""The page with the tables of faults, one for each kernel: new rows take the places of older ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

HEADINGS = ("fault", "flags", "bytesused", "sequence", "errno", "poll", "camera-streamer")
NOT_MEASURED = "-"
_BEGIN, _END = "<!-- tables -->\n", "<!-- end of tables -->\n"
_KERNEL = "On Linux "

Row = Sequence[str]
Tables = Mapping[str, Mapping[str, Row]]  # the rows by their first column, by kernel


def with_rows(page: str, kernel: str, rows: Iterable[Row], order: Sequence[str]) -> str:
    """Return the page with these rows in the table of a kernel, whose rows stand in that order of their names.

    Rows of names that are not in the order are dropped. Raises ValueError if the page has no place for tables.
    """
    before, found, rest = page.partition(_BEGIN)
    inside, ended, after = rest.partition(_END)
    if not (found and ended):
        raise ValueError(f"the page has no lines {_BEGIN.strip()} and {_END.strip()}")
    tables = {name: dict(table) for name, table in _parsed(inside).items()}
    table = tables.setdefault(kernel, {})
    for row in rows:  # what was not measured this time stays
        table[row[0]] = [*row, *table.get(row[0], ())[len(row) :]]
    return f"{before}{_BEGIN}\n{render(tables, order)}{_END}{after}"


def render(tables: Tables, order: Sequence[str]) -> str:
    """Return the tables in Markdown."""
    out = ""
    for kernel, rows in sorted(tables.items()):
        out += f"{_KERNEL}{kernel}:\n\n" + _line(HEADINGS) + "|---" * len(HEADINGS) + "|\n"
        for name in order:
            if name in rows:
                out += _line([*rows[name], *[NOT_MEASURED] * (len(HEADINGS) - len(rows[name]))])
        out += "\n"
    return out


def _line(cells: Row) -> str:
    return f"| {' | '.join(cells)} |\n"


def _parsed(text: str) -> Tables:
    tables: dict[str, dict[str, Row]] = {}
    for line in text.splitlines():
        if line.startswith(_KERNEL):
            tables[line.removeprefix(_KERNEL).rstrip(":")] = {}
        elif line.startswith("| ") and tables:
            row = [cell.strip() for cell in line.strip("| ").split(" | ")]
            if tuple(row) != HEADINGS:
                next(reversed(tables.values()))[row[0]] = row
    return tables
