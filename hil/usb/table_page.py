# SPDX-License-Identifier: Apache-2.0
"""The page with the table of faults: a row says on which kernels it was seen, and new rows take older ones' places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..figures.marked_page import between, table_of, with_between

COLUMNS = ("flags", "bytesused", "sequence", "errno", "poll", "camera-streamer")
HEADINGS = ("fault", "Linux", *COLUMNS)
NOT_MEASURED = "-"
_PLACE = "table of faults"
_MEASURED = "Measured on Linux "

Row = Sequence[str]
Tables = Mapping[str, Mapping[str, Row]]  # the rows by their first column, by the kernel's release


def with_rows(page: str, release: str, rows: Iterable[Row], order: Sequence[str]) -> str:
    """Return the page with what was seen on a kernel. Rows begin with their names, and stand in that order of names.

    release: as uname -r prints it. An older release of the same series gives way. Rows of names that are not in the
    order are dropped. Raises ValueError if the page has no place for the table.
    """
    tables = {name: dict(table) for name, table in _parsed(between(page, _PLACE)).items()}
    older = next((name for name in tables if series(name) == series(release)), release)
    table = tables.pop(older, {})
    tables[release] = table
    for row in rows:  # what was not measured this time stays
        table[row[0]] = [*row, *table.get(row[0], ())[len(row) :]]
    return with_between(page, _PLACE, render(tables, order))


def series(release: str) -> str:
    """Return what a kernel is called in a row: the first two numbers of its release."""
    return ".".join(release.split(".")[:2]).split("-")[0]


def render(tables: Tables, order: Sequence[str]) -> str:
    """Return the table in Markdown. Kernels on which a fault looks the same share a row.

    Where camera-streamer was not put before a fault on one of them, its cell is what it did on the first one.
    """
    releases = sorted(tables, key=lambda name: [int(part) for part in series(name).split(".") if part.isdigit()])
    lines: list[tuple[str, ...]] = []
    for name in order:
        alike: list[tuple[list[str], list[str]]] = []
        for release in releases:
            if name in tables[release]:
                cells = [*tables[release][name][1:], *[NOT_MEASURED] * len(COLUMNS)][: len(COLUMNS)]
                kernels = next((kernels for other, kernels in alike if _is_alike(other, cells)), None)
                if kernels is None:
                    alike.append((cells, kernels := []))
                kernels.append(series(release))
        lines += [(name, ", ".join(kernels), *cells) for cells, kernels in alike]
    return f"{_MEASURED}{', '.join(releases)}:\n\n{table_of(HEADINGS, lines)}"


def _is_alike(first: Row, cells: Row) -> bool:
    return first[:-1] == cells[:-1] and cells[-1] in (first[-1], NOT_MEASURED)


def _parsed(text: str) -> Tables:
    tables: dict[str, dict[str, Row]] = {}
    for line in text.splitlines():
        if line.startswith(_MEASURED):
            tables = {release: {} for release in line.removeprefix(_MEASURED).rstrip(":").split(", ")}
        elif line.startswith("| "):
            name, kernels, *cells = (cell.strip() for cell in line.strip("| ").split(" | "))
            for release, table in tables.items():
                if series(release) in (named := kernels.split(", ")):
                    table[name] = [name, *cells] if series(release) == named[0] else [name, *cells[:-1]]
    return tables
