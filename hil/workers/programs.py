# SPDX-License-Identifier: Apache-2.0
"""The workers written in C: compiled against the library under test, and kept in a cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vshm_ctypes import get_library
from vshm_ctypes.cli.ending import held

from ..command import run_to_end
from ..header import CHECKOUT_LIB, include_folder

HERE = Path(__file__).resolve().parent
FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-g", "-Wall", "-Wextra"]
SONAME = "libvideo_shm.so.1"


class ProgramError(RuntimeError):
    """A worker can't be compiled; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a program is made. of_checkout: some of its sources are no part of an installed package."""

    sources: tuple[Path, ...]
    includes: tuple[Path, ...] = ()
    libraries: tuple[str, ...] = ()
    of_checkout: bool = False


RECIPES = {
    "burner": Recipe((HERE / "burner.c",)),
    "consumer": Recipe((HERE / "consumer.c", HERE / "tape.c"), libraries=("z",)),
    "ring_writer": Recipe((HERE / "ring_writer.c", HERE / "tape.c"), libraries=("z",)),
    "v1_consumer": Recipe(
        (HERE / "v1_consumer.c", HERE / "tape.c", CHECKOUT_LIB / "tests/v1/program.c", CHECKOUT_LIB / "tests/v1/v1.c"),
        includes=(CHECKOUT_LIB / "tests/v1",),
        libraries=("z",),
        of_checkout=True,
    ),
    "video_consumer": Recipe((CHECKOUT_LIB / "examples/video_consumer_example.c",), of_checkout=True),
}


def loaded_library() -> Path:
    """The file of the library that this process itself uses."""
    chosen = Path(get_library())
    if chosen.exists():
        return chosen.resolve()
    with Path("/proc/self/maps").open() as maps:  # found by its soname
        found = next((line.split(maxsplit=5)[5].strip() for line in maps if "/libvideo_shm.so" in line), None)
    if found is None:
        raise ProgramError("libvideo_shm is not among what this process has loaded: give a path with --library")
    return Path(found)


def cache_folder() -> Path:
    """Where compiled programs are kept; VIDEO_SHM_PROGRAMS, if it is set, as for a machine that can't compile them."""
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
    # Bound to that very file, whatever its name: its soname leads to it from the program's own folder.
    (program.parent / SONAME).symlink_to(library)
    command = [compiler, *FLAGS, "-o", str(program), *map(str, recipe.sources)]
    command += [f"-I{folder}" for folder in (*recipe.includes, include_folder())]
    command += [str(program.parent / SONAME), "-Wl,--disable-new-dtags,-rpath,$ORIGIN"]
    command += [f"-l{name}" for name in recipe.libraries]
    result = run_to_end(command)
    if result.returncode != 0:
        hint = "; apt install zlib1g-dev" if "zlib.h" in result.stderr or "-lz" in result.stderr else ""
        raise ProgramError(f"{program.name} does not compile{hint}:\n{' '.join(command)}\n{result.stderr}")


def find_program(name: str, library: Path) -> Path:
    """The program of that name, bound to the library; compiled if it is not in the cache. Raises ProgramError."""
    recipe = RECIPES[name]
    if recipe.of_checkout and not all(source.exists() for source in recipe.sources):
        raise ProgramError(f"{name} is made from a checkout's sources: run hil from a clone of the repository")
    compiler = os.environ.get("CC") or "cc"
    folder = cache_folder() / f"{name}-{_key(name, recipe, library, compiler)}"
    program = folder / name
    if program.exists():
        return program
    if shutil.which(compiler) is None:
        raise ProgramError(
            f"no C compiler ({compiler}), which the workers in C need: apt install gcc libc6-dev zlib1g-dev"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        advice = "set VIDEO_SHM_PROGRAMS to a folder that is writable, or in which they are"
        raise ProgramError(f"no place for compiled programs: {error}: {advice}") from None
    # Made apart and moved as a whole: several fleets may come here at once.
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
    """Compile what is not in the cache yet, for a machine on which that would take too long. Returns the cache."""
    for name in RECIPES:
        find_program(name, (library or loaded_library()).resolve(strict=True))
    return cache_folder()
