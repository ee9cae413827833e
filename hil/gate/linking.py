# SPDX-License-Identifier: Apache-2.0
"""Links shared libraries of an archive, or of a library with the wrappers that LD_PRELOAD would put before it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from .looking import read_file
from .promises.header import read_header


def archive_command(archives: Sequence[Path], made: Path, compiler: str) -> list[str]:
    """Return the command that links everything in the archives, whether it is called or not."""
    whole = ["-Wl,--whole-archive", *map(str, archives), "-Wl,--no-whole-archive"]
    return [compiler, "-shared", "-pthread", "-o", str(made), *whole]


def front_command(libraries: Sequence[Path], made: Path, compiler: str) -> list[str]:
    """Return the command that links an empty library which needs these in order: the first one with a call gets it.

    RTLD_NEXT continues in the same order, as with LD_PRELOAD.
    """
    folders = [str(_findable(library, made.parent)) for library in libraries]
    # Without an object file that says so, it would ask for an executable stack, which glibc refuses since 2.41.
    kind = ["-shared", "-nostdlib", "-Wl,-z,noexecstack", "-Wl,--no-as-needed"]
    words = [compiler, *kind, "-o", str(made), *map(str, libraries)]
    return [*words, f"-Wl,-rpath,{':'.join(dict.fromkeys(folders))}"]


def _findable(library: Path, folder: Path) -> Path:
    """Return where the loader finds a library by its soname: its own folder, or a link in ours."""
    file = read_file(library)
    if file is None or not file.soname or _is_same(library.parent / file.soname, library):
        return library.parent
    (folder / file.soname).symlink_to(library)
    return folder


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


def preloaded(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the libraries in LD_PRELOAD that have calls of the library."""
    calls = set(read_header().calls)
    found = []
    for word in re.split("[: ]", environment.get("LD_PRELOAD", "")):
        if word and Path(word).is_file() and (file := read_file(Path(word))) is not None and file.symbols & calls:
            found.append(word)
    return found
