# SPDX-License-Identifier: Apache-2.0
"""Where the C library's header is: the one place for all that hil compiles."""

from __future__ import annotations

from pathlib import Path

from vshm_ctypes import get_include

CHECKOUT_LIB = Path(__file__).resolve().parent.parent / "lib"


def include_folder() -> Path:
    """Where video_shm.h is: this tree's, else the installed package's. Raises LibraryError.

    hil's sources are written for the header of their own tree; beside an editable install, the binding's may be older.
    """
    ours = CHECKOUT_LIB / "include"
    return ours if (ours / "video_shm.h").exists() else Path(get_include())
