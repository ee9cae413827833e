# SPDX-License-Identifier: Apache-2.0
"""Where the C library's header and its other sources are: the one place for all that hil compiles."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

HIL = Path(__file__).resolve().parents[1]
# A wheel brings lib's tests, examples and the benchmarks' floor along, for programs that are made of them.
LIB = HIL / "lib" if (HIL / "lib").exists() else HIL.parent / "lib"


def include_folder() -> Path:
    """Where video_shm.h is: this tree's, else the installed package's. Raises LibraryError.

    hil's sources are written for the header of their own tree; beside an editable install, the binding's may be older.
    """
    for folder in (LIB, *_installed()):
        if (folder / "include" / "video_shm.h").exists():
            return folder / "include"
    from vshm_ctypes import get_include

    return Path(get_include())


def _installed() -> list[Path]:
    """Folders of the package, which is not imported: it loads a library, and who asks another one wants that alone."""
    spec = find_spec("vshm_ctypes")
    return [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
