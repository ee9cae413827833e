# SPDX-License-Identifier: Apache-2.0
"""Places in a page for people that a command fills in: what stands between two comments of Markdown."""

from __future__ import annotations


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"


def _split(page: str, name: str) -> tuple[str, str, str]:
    begin, end = _marks(name)
    before, found, rest = page.partition(begin)
    inside, ended, after = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"the page has no lines {begin.strip()} and {end.strip()}")
    return before, inside, after


def between(page: str, name: str) -> str:
    """Return what stands in the place of that name. Raises ValueError if the page has no such place."""
    return _split(page, name)[1]


def with_between(page: str, name: str, text: str) -> str:
    """Return the page with this text in the place of that name. Raises ValueError if the page has no such place."""
    before, _, after = _split(page, name)
    begin, end = _marks(name)
    return f"{before}{begin}\n{text.strip()}\n\n{end}{after}"


def table_of(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table of Markdown. Bars in cells are escaped."""
    lines = [headings, ("---",) * len(headings), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
