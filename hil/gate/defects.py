# SPDX-License-Identifier: Apache-2.0
"""The planted defects of a source tree: reads their table, and builds the library with one of them."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..processes.command import run_to_end
from .libraries import LibraryError, build

FOLDER = Path("tests") / "defects"


@dataclass(frozen=True, slots=True)
class Defect:
    """A patch of lib/ that breaks something.

    seen_by: the metrics of which at least one must find it. model: the run of lib/model that proves it instead, if this
    processor can't show it, and why not.
    """

    name: str
    patch: Path
    breaks: str
    seen_by: tuple[str, ...] = ()
    model: str = ""
    why: str = ""


def read_defects(root: Path) -> list[Defect]:
    """Return all defects of a source tree. Raises ValueError if the table does not fit the patches, or OSError."""
    folder = root / FOLDER
    table = tomllib.loads((folder / "defects.toml").read_text())
    patches = {path.stem for path in folder.glob("*.patch")}
    if patches != set(table):
        raise ValueError(f"{folder}: patches and table differ in {', '.join(sorted(patches ^ set(table)))}")
    found = []
    for name, row in table.items():
        if unknown := set(row) - {"breaks", "seen_by", "model", "why"}:
            raise ValueError(f"{folder}: {name} has {', '.join(sorted(unknown))}")
        seen_by = tuple(row.pop("seen_by", ()))
        defect = Defect(name, folder / f"{name}.patch", **row, seen_by=seen_by)
        if bool(defect.seen_by) == bool(defect.model) or bool(defect.model) != bool(defect.why):
            raise ValueError(f"{folder}: {name} is either seen_by metrics, or by the model, with the reason why")
        found.append(defect)
    return found


def build_defect(root: Path, defect: Defect, folder: Path, defines: Sequence[str] = ()) -> Path:
    """Build the library of that tree with the defect in folder. Raises LibraryError if it does not apply or build."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(root / "lib", folder / "lib", dirs_exist_ok=True)
    outside = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)}  # in case the cache lies in a repository
    applied = run_to_end(["git", "apply", str(defect.patch)], environment=outside, folder=folder)
    if applied.returncode != 0:
        raise LibraryError(f"{defect.patch.name} does not apply any more: {applied.stderr.strip()}")
    return build(folder / "lib", folder / "build", defines)
