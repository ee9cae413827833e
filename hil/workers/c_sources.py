# SPDX-License-Identifier: Apache-2.0
"""The location of the C library's header and sources, for all that hil compiles."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

HIL = Path(__file__).resolve().parents[1]
# A wheel contains lib's tests and examples and the benchmarks' floor, which some programs are compiled from.
LIB = HIL / "lib" if (HIL / "lib").exists() else HIL.parent / "lib"


def include_folder() -> Path:
    """Return the folder of video_shm.h: this tree's, else the installed package's. Raises LibraryError.

    hil's sources are written for the header of their own tree; next to an editable install, the package's may be older.
    """
    for folder in (LIB, *_installed()):
        if (folder / "include" / "video_shm.h").exists():
            return folder / "include"
    from vshm_ctypes import get_include

    return Path(get_include())


def _installed() -> list[Path]:
    """Return the package's folders without importing it, since it loads a library and another one may be wanted."""
    spec = find_spec("vshm_ctypes")
    return [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
