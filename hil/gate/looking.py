# SPDX-License-Identifier: Apache-2.0
"""Inspects a library: its file, with binutils, and what a program gets that loads it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import loading
from .promises.header import read_header

TIMEOUT_S = 60.0
PYTHON = (sys.executable,)


class NoLibrary(ValueError):
    """The file is no library. The message is from binutils."""


@dataclass(frozen=True, slots=True)
class File:
    """A library file. symbols: its own exports. versions: theirs, or None if they can't be read without sections.

    size: bytes of code and data. libc: the file name of the C library that it needs.
    """

    symbols: frozenset[str]
    versions: frozenset[str] | None
    size: int
    machine: str
    is_program: bool
    libc: str
    soname: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A loaded library. names: what a program finds in it. beside: other files that provide some of these.

    obstacle: why it can't be loaded here, although it may work elsewhere.
    """

    names: frozenset[str] = frozenset()
    beside: tuple[Path, ...] = ()
    obstacle: str = ""


def read_file(path: Path) -> File | None:
    """Return what a library file contains, or None without binutils. Raises NoLibrary."""
    try:
        told = _binutils("readelf", "-hldW", path)
        listing = _binutils("nm", "-D", "--defined-only", "--format=posix", path)
    except FileNotFoundError:
        return None
    named = [line.split()[0] for line in listing.splitlines() if " A " not in line]
    sizes = re.findall(r"^ +LOAD +\S+ +\S+ +\S+ +\S+ +(\S+)", told, re.MULTILINE)
    (machine,) = re.findall(r"^ +Machine: +(.+)", told, re.MULTILINE)
    libc = re.search(r"\(NEEDED\).*\[(libc\.\S+)\]", told)
    soname = re.search(r"\(SONAME\).*\[(.+)\]", told)
    versions = frozenset(name.rpartition("@")[2] for name in named if "@" in name)
    return File(
        frozenset(name.split("@")[0] for name in named),
        None if not versions and "(VERDEF)" in told else versions,
        sum(int(size, 16) for size in sizes),
        machine.strip(),
        bool(re.search(r"Type: +EXEC|\(FLAGS_1\).*\bPIE\b", told)),
        libc[1] if libc else "",
        soname[1] if soname else "",
    )


def load(path: Path, file: File | None) -> Loaded:
    """Return what a program gets of it. A library that crashes while it is loaded provides nothing."""
    names = set(read_header().calls) | (file.symbols if file else set())
    told = _loaded(path, names)
    if obstacle := _obstacle(path, file, told):
        return Loaded(obstacle=obstacle)
    beside = tuple(map(Path, told.get("beside", ())))
    of_others = {name for other in beside if (seen := read_file(other)) for name in seen.symbols}
    if of_others - names:
        told = _loaded(path, names | of_others)
    return Loaded(frozenset(told.get("names", ())), beside)


def _loaded(path: Path, names: Iterable[str]) -> dict[str, Any]:
    command = [*PYTHON, "-P", loading.__file__, str(path), *sorted(names)]
    try:
        said = _output(command)
        return dict(json.loads(said.splitlines()[-1]))
    except (subprocess.SubprocessError, IndexError, ValueError):
        return {}


def _obstacle(path: Path, file: File | None, told: dict[str, Any]) -> str:
    if file is None or not told:
        return ""
    if "error" in told and file.is_program:
        return "it is a program, which can't be loaded: give the library that is in it, shared or as an archive"
    with path.open("rb") as binary:
        own = binary.read(loading.HEADER_BYTES).hex()
    if "error" in told and _processor(own) != _processor(told["loader"]):
        return f"it is of another processor, {file.machine}"
    if file.libc and (file.libc == "libc.so.6") != told["has_glibc"]:
        return f"it needs another C library than the Python here has, {file.libc}"
    return ""


def _processor(header: str) -> tuple[str, str]:
    """Return class and byte order, and the machine, from the first bytes of an ELF file in hexadecimal."""
    return header[8:12], header[36:40]


def _binutils(tool: str, *words: str | Path) -> str:
    try:
        return _output([tool, *map(str, words)], os.environ | {"LC_ALL": "C"})
    except subprocess.CalledProcessError as error:
        raise NoLibrary(error.stderr.strip()) from None


def _output(command: Sequence[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
        check=True,
        env=environment,
    )
    return done.stdout
