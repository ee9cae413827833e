# SPDX-License-Identifier: Apache-2.0
"""Keeps the rows of the table of faults in a folder, each as soon as it is measured: a file of JSON lines a kernel."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .driver_view import View

_SUFFIX = ".jsonl"
DRIVER = len(View._fields)  # cells that the driver fills; that of camera-streamer is behind them

Cells = tuple[str, ...]


class Measured(NamedTuple):
    """What was seen on a kernel. rows: cells by the scene's name. last: when the last of them was measured."""

    rows: dict[str, Cells]
    last: str


class RowFile:
    """The rows of one kernel. release: as uname -r prints it. Raises OSError, or ValueError if it is no such file."""

    def __init__(self, folder: Path, release: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{release}{_SUFFIX}"
        self.rows = read_rows(self._path).rows if self._path.exists() else {}

    def keep(self, scene: str, cells: Sequence[str]) -> None:
        """Keep a row at once. Cells that it does not have stay as they were."""
        self.rows[scene] = _merged(self.rows.get(scene, ()), cells)
        at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        with self._path.open("a") as file:
            print(json.dumps({"scene": scene, "cells": cells, "at": at}), file=file)

    def lacks(self, scene: str, streamer_too: bool) -> bool:
        """Return whether cells of a row have not been measured yet."""
        return len(self.rows.get(scene, ())) < DRIVER + streamer_too


def read_rows(path: Path) -> Measured:
    """Return what a file has; what was measured later counts. Raises OSError or ValueError."""
    found = Measured({}, "")
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            said = json.loads(line)
            found.rows[said["scene"]] = _merged(found.rows.get(said["scene"], ()), said["cells"])
            found = found._replace(last=max(found.last, said["at"]))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}:{number}: no row of the table of faults: {error}") from None
    return found


def read_folder(folder: Path) -> dict[str, Measured]:
    """Return what was seen on each kernel, by its release. Raises OSError or ValueError."""
    return {path.name.removesuffix(_SUFFIX): read_rows(path) for path in sorted(folder.glob(f"*{_SUFFIX}"))}


def _merged(old: Sequence[str], new: Sequence[str]) -> Cells:
    return (*new, *old[len(new) :])
