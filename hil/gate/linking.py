# SPDX-License-Identifier: Apache-2.0
"""Shared libraries of what is none by itself: an archive, or a library that others stand in front of by LD_PRELOAD."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from .looking import read_file
from .promises.header import read_header


def archive_command(archives: Sequence[Path], made: Path, compiler: str) -> list[str]:
    """Links all that is in them, whether something calls it or not."""
    whole = ["-Wl,--whole-archive", *map(str, archives), "-Wl,--no-whole-archive"]
    return [compiler, "-shared", "-pthread", "-o", str(made), *whole]


def front_command(libraries: Sequence[Path], made: Path, compiler: str) -> list[str]:
    """Links an empty library that needs these in their order: a call is that of the first one that has it.

    RTLD_NEXT goes on in the same order, as it does behind LD_PRELOAD.
    """
    folders = [str(_findable(library, made.parent)) for library in libraries]
    words = [compiler, "-shared", "-nostdlib", "-o", str(made), "-Wl,--no-as-needed", *map(str, libraries)]
    return [*words, f"-Wl,-rpath,{':'.join(dict.fromkeys(folders))}"]


def _findable(library: Path, folder: Path) -> Path:
    """Where the loader finds it by its soname: its own folder, or else ours, where it then has that name."""
    file = read_file(library)
    if file is None or not file.soname or _is_same(library.parent / file.soname, library):
        return library.parent
    (folder / file.soname).symlink_to(library)
    return folder


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


def preloaded(environment: Mapping[str, str] = os.environ) -> list[str]:
    """What LD_PRELOAD puts in front of the library that has calls of it."""
    calls = set(read_header().calls)
    found = []
    for word in re.split("[: ]", environment.get("LD_PRELOAD", "")):
        if word and Path(word).is_file() and (file := read_file(Path(word))) is not None and file.symbols & calls:
            found.append(word)
    return found
