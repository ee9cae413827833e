# SPDX-License-Identifier: Apache-2.0
"""``python loading.py LIBRARY NAME...`` prints what a program gets that loads the library, in JSON.

It is a program of its own, since a library may do anything while it is loaded, and imports none of our modules, so that
any Python can run it, also for another processor.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path

HEADER_BYTES = 20  # of an ELF file: enough to tell the processor, and a library from a program


def _mapped() -> set[str]:
    """Return the files whose code is mapped into this process."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    fields = [line.split(maxsplit=5) for line in lines]
    return {parts[5] for parts in fields if len(parts) == 6 and "x" in parts[1] and parts[5].startswith("/")}


def _has(library: ctypes.CDLL, names: list[str]) -> list[str]:
    return [name for name in names if hasattr(library, name)]


def _gives_any(file: str, names: list[str]) -> bool:
    try:
        return bool(_has(ctypes.CDLL(file), names))
    except OSError:
        return False


def look(library: str, names: list[str]) -> dict[str, object]:
    """Return the names that the library provides and the other files that provide some, or why it can't be loaded."""
    with Path("/proc/self/exe").open("rb") as own:
        told: dict[str, object] = {"loader": own.read(HEADER_BYTES).hex(), "has_glibc": _has_glibc()}
    before = _mapped()
    try:
        loaded = ctypes.CDLL(library)
    except OSError as error:
        return told | {"error": str(error)}
    if version := getattr(loaded, "video_shm_version", None):
        version()  # a wrapper may load the other library at its first call
    beside = sorted(file for file in _mapped() - before - {library} if _gives_any(file, names))
    return told | {"names": _has(loaded, names), "beside": beside}


def _has_glibc() -> bool:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") is not None
    except ValueError:
        return False


if __name__ == "__main__":
    print("\n" + json.dumps(look(sys.argv[1], sys.argv[2:])), flush=True)
    os._exit(0)  # without whatever the library would do at exit
