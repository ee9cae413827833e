# SPDX-License-Identifier: Apache-2.0
"""The page with the table of faults, which is made of what was measured: a row says on which kernels it was seen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..figures.marked_page import table_of, with_between
from .measured import Cells, Measured

COLUMNS = ("flags", "bytesused", "sequence", "errno", "poll", "camera-streamer")
HEADINGS = ("fault", "Linux", *COLUMNS)
NOT_MEASURED = "-"
_PLACE = "table of faults"


def in_page(page: str, tables: Mapping[str, Measured], order: Sequence[str]) -> str:
    """Return a page with the table. Raises ValueError if it has no place for it."""
    return with_between(page, _PLACE, render(tables, order))


def series(release: str) -> str:
    """Return what a kernel is called in a row: the first two numbers of its release."""
    return ".".join(release.split(".")[:2]).split("-")[0]


def render(tables: Mapping[str, Measured], order: Sequence[str]) -> str:
    """Return the table in Markdown. Kernels on which a fault looks the same share a row.

    tables: by the kernel's release; of a series, the one that was measured last is taken. order: of the rows, by name;
    one that was measured on none is a row of dashes. Where camera-streamer was not put before a fault on one of them,
    its cell is what it did on the first one.
    """
    newest = {series(name): name for name in sorted(tables, key=lambda name: tables[name].last)}
    releases = sorted(newest.values(), key=_numbers)
    lines: list[tuple[str, ...]] = []
    for scene in order:
        alike: list[tuple[Cells, list[str]]] = []
        for release in releases:
            if scene in (rows := tables[release].rows):
                cells = (*rows[scene], *[NOT_MEASURED] * len(COLUMNS))[: len(COLUMNS)]
                kernels = next((kernels for other, kernels in alike if _is_alike(other, cells)), None)
                if kernels is None:
                    alike.append((cells, kernels := []))
                kernels.append(series(release))
        seen = [(scene, ", ".join(kernels), *cells) for cells, kernels in alike]
        lines += seen or [(scene, *[NOT_MEASURED] * (1 + len(COLUMNS)))]
    told = [f"{release} on {tables[release].last[:10]}" for release in releases]
    return f"Measured on Linux {', '.join(told)}:\n\n{table_of(HEADINGS, lines)}"


def _numbers(release: str) -> list[int]:
    return [int(part) for part in series(release).split(".") if part.isdigit()]


def _is_alike(first: Cells, cells: Cells) -> bool:
    return first[:-1] == cells[:-1] and (cells[-1] == NOT_MEASURED or _deeds(first[-1]) == _deeds(cells[-1]))


def _deeds(cell: str) -> str:
    """Return what camera-streamer did, without the camera's own silence, and how long its own was.

    Both depend on how long the machine takes to open the camera.
    """
    own = re.sub(r"(, )?silent for \d+ s, as the camera", "", cell) or "goes on"
    return re.sub(r"\d+", "", own)
