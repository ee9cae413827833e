# SPDX-License-Identifier: Apache-2.0
"""Compiles the workers that are written in C against the library under test, and keeps them in a cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vshm_ctypes import get_library
from vshm_ctypes.commandline.ending import held

from ..processes.command import run_to_end
from .c_sources import LIB, include_folder

HERE = Path(__file__).resolve().parent
FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-g", "-Wall", "-Wextra"]
PACKAGES = "gcc libc6-dev zlib1g-dev"


class ProgramError(RuntimeError):
    """A worker can't be compiled; the message says what to do."""


class NoToolsError(ProgramError):
    """The compiler, or what it needs, is not installed; whatever needs the program can only be skipped."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a program is compiled."""

    sources: tuple[Path, ...]
    includes: tuple[Path, ...] = ()
    libraries: tuple[str, ...] = ()


RECIPES = {
    "burner": Recipe((HERE / "burner.c",)),
    "consumer": Recipe((HERE / "consumer.c", HERE / "tape.c"), libraries=("z",)),
    "ring_writer": Recipe((HERE / "ring_writer.c", HERE / "tape.c"), libraries=("z",)),
    "v1_consumer": Recipe(
        (HERE / "v1_consumer.c", HERE / "tape.c", LIB / "tests/v1/program.c", LIB / "tests/v1/v1.c"),
        includes=(LIB / "tests/v1",),
        libraries=("z",),
    ),
    "video_consumer": Recipe((LIB / "examples/video_consumer_example.c",)),
}


def loaded_library() -> Path:
    """Return the file of the library that this process has loaded."""
    chosen = Path(get_library())
    if chosen.exists():
        return chosen.resolve()
    with Path("/proc/self/maps").open() as maps:  # found by its soname
        found = next((line.split(maxsplit=5)[5].strip() for line in maps if "/libvideo_shm.so" in line), None)
    if found is None:
        raise ProgramError("this process has not loaded libvideo_shm: give its path with --library")
    return Path(found)


def cache_folder() -> Path:
    """Return the folder of compiled programs: a cache, or VIDEO_SHM_PROGRAMS, for machines that can't compile."""
    if chosen := os.environ.get("VIDEO_SHM_PROGRAMS"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "video-shm" / "workers"


def _key(name: str, recipe: Recipe, library: Path, compiler: str) -> str:
    status = library.stat()
    digest = hashlib.sha256()
    for word in (name, compiler, *FLAGS, str(library), str(status.st_size), str(status.st_mtime_ns)):
        digest.update(word.encode() + b"\0")
    folders = {source.parent for source in recipe.sources} | {include_folder()}
    headers = sorted(header for folder in folders for header in folder.glob("*.h"))
    for path in (*recipe.sources, *headers):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _compile(recipe: Recipe, library: Path, compiler: str, program: Path) -> None:
    # The program is bound to this very file: a link in its own folder has the name that the loader looks for.
    name = _asked_for(library)
    (program.parent / name).symlink_to(library)
    command = [compiler, *FLAGS, "-o", str(program), *map(str, recipe.sources)]
    command += [f"-I{folder}" for folder in (*recipe.includes, include_folder())]
    command += [f"-L{program.parent}", f"-l:{name}", "-Wl,--disable-new-dtags,-rpath,$ORIGIN"]
    command += [f"-l{name}" for name in recipe.libraries]
    result = run_to_end(command)
    if result.returncode != 0:
        _refuse_without_tools(program.name, result.stderr)
        raise ProgramError(f"{program.name} does not compile:\n{' '.join(command)}\n{result.stderr}")


def _asked_for(library: Path) -> str:
    """Return the name by which the loader looks for the library: its soname, else its file name."""
    told = run_to_end(["readelf", "-dW", str(library)]).stdout
    soname = re.search(r"\(SONAME\).*\[(.+)\]", told)
    return soname[1] if soname else library.name


def _refuse_without_tools(name: str, said: str) -> None:
    """Raise NoToolsError if the compiler's message says that a package of the system is missing."""
    missing = re.search(r"\b(\w+\.h): No such file|cannot find (-l\w+|\w*crt\w*\.o)", said)
    if missing and (missing[1] is None or missing[1] in ("zlib.h", "stdio.h", "errno.h", "stdint.h")):
        raise NoToolsError(f"{name} does not compile without {missing[1] or missing[2]}: apt install {PACKAGES}")


def find_program(name: str, library: Path) -> Path:
    """Return the program of that name, bound to the library.

    It is compiled unless the cache has it. Raises ProgramError.
    """
    recipe = RECIPES[name]
    compiler = os.environ.get("CC") or "cc"
    folder = cache_folder() / f"{name}-{_key(name, recipe, library, compiler)}"
    program = folder / name
    if program.exists():
        return program
    if shutil.which(compiler) is None:
        raise NoToolsError(f"no C compiler ({compiler}), which the workers in C need: apt install {PACKAGES}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        advice = "set VIDEO_SHM_PROGRAMS to a folder that is writable, or in which they are"
        raise ProgramError(f"no folder for compiled programs: {error}: {advice}") from None
    # Compiled in a folder of its own and renamed as a whole, since several fleets may do this at once.
    with held() as hold, tempfile.TemporaryDirectory(dir=folder.parent) as workshop, hold.lifted():
        made = Path(workshop) / "made"
        made.mkdir()
        _compile(recipe, library, compiler, made / name)
        try:
            made.rename(folder)
        except OSError:
            if not program.exists():
                raise
    return program


def compile_all(library: Path | None = None) -> Path:
    """Compile all programs that the cache lacks, for machines on which that would take too long. Returns the cache.

    Without a compiler nothing is added, and tests that need a program are skipped there.
    """
    with contextlib.suppress(NoToolsError):
        for name in RECIPES:
            find_program(name, (library or loaded_library()).resolve(strict=True))
    return cache_folder()
