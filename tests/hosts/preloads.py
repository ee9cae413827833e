# SPDX-License-Identifier: Apache-2.0
"""Hosts that put a library before the C library: to pretend what others really lack, or as people do."""

from __future__ import annotations

import errno
import functools
import os
import subprocess
import threading
from pathlib import Path

from .host import ROOT, Host

HERE = Path(__file__).parent
BUILD = Path(os.environ.get("VIDEO_SHM_BUILD", ROOT / "build")).resolve()


def preloaded(source: str, *definitions: str) -> Path:
    """Return a library of one C file beside this one, built if it is missing or old."""
    path = HERE / source
    library = BUILD / "tests" / f"{path.stem}{''.join(definitions)}.so"
    if not library.exists() or library.stat().st_mtime < path.stat().st_mtime:
        part = library.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        subprocess.run(["cc", "-shared", "-fPIC", *definitions, "-o", part, path, "-ldl"], check=True)
        part.rename(library)
    return library


def installed(name: str, package: str) -> Path:
    """Return a library of the system. Raises FileNotFoundError that says what to install."""
    found = next((path for path in Path("/usr/lib").glob(f"*-linux-*/{name}")), None)
    if found is None:
        raise FileNotFoundError(errno.ENOENT, f"apt-get install {package}", name)
    return found


NO_NAMELESS_FILES = Host(
    "no nameless files",
    "O_TMPFILE is not supported, as on an overlay of an older kernel",
    of=frozenset({"preload"}),
    preload=functools.partial(preloaded, "no_nameless_files.c"),
)


CLOCK_STEPS_BACK = Host(
    "clock steps back",
    "half a second after it begins, the wall clock is set back by an hour",
    of=frozenset({"preload"}),
    preload=functools.partial(preloaded, "stepping_clock.c", "-DSTEP_S=-3600"),
)
CLOCK_STEPS_FORWARD = Host(
    "clock steps forward",
    "half a second after it begins, the wall clock is set forward by thirty years, as on a board without a battery",
    of=frozenset({"preload"}),
    preload=functools.partial(preloaded, "stepping_clock.c", "-DSTEP_S=946080000"),
)
JEMALLOC = Host(
    "jemalloc",
    "another allocator than the C library's, as programs that run for long get it",
    of=frozenset({"preload"}),
    preload=functools.partial(installed, "libjemalloc.so.2", "libjemalloc2"),
)
