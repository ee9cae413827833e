# SPDX-License-Identifier: Apache-2.0
"""Obtains the two libraries: a file is used directly, and a git ref is checked out, built, and removed again."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from vshm_ctypes.commandline.ending import held

from ..processes.command import run_to_end
from . import linking, looking

BUILD_TIMEOUT_S = 600.0
OPTIONS = ("-DBUILD_TESTING=OFF", "-DVIDEO_SHM_BENCH=OFF", "-DVIDEO_SHM_WERROR=OFF", "-DVIDEO_SHM_GSTREAMER=OFF")
NAME, BINDING = "libvideo_shm.so", "vshm_ctypes"
HEADER = Path("lib", "include", "video_shm.h")


class LibraryError(RuntimeError):
    """Git does not know the ref, the library does not build, or the file is no library. The message says which."""


@dataclass(frozen=True, slots=True)
class Library:
    """A library to be measured. label: the user's name of it. commit: None for a file.

    symbols: what a program finds in it. versions: of its own exports, or None if unknown. beside: other files that
    provide some of its calls, as for a wrapper. size: bytes of code and data of all these, or None without binutils.
    obstacle: why it can't be loaded here, so that no promise can be asked; empty if it can, or if unknown. binding:
    folder of the Python binding in its tree, header: its video_shm.h; None for a file, or if its tree has none.
    """

    label: str
    path: Path
    commit: str | None
    symbols: frozenset[str]
    size: int | None
    versions: frozenset[str] | None = None
    beside: tuple[Path, ...] = ()
    obstacle: str = ""
    binding: Path | None = None
    header: Path | None = None


def cache_folder() -> Path:
    """Return the folder of builds. Each session has a folder in it, which is removed at the end."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "video-shm" / "gate"


@contextmanager
def workshop(prefix: str) -> Iterator[Path]:
    """Create a folder in it for one session, to be entered and left within held(). Raises OSError."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=cache_folder(), ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def find_repository(start: Path) -> Path:
    """Return the git repository around a folder. Raises LibraryError."""
    return Path(_run(["git", "-C", str(start), "rev-parse", "--show-toplevel"], "no git repository here").strip())


@contextmanager
def checked_out(repository: Path, ref: str, folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield a worktree of a ref, and its commit. It is removed at the end, within held(). Raises LibraryError."""
    git = ["git", "-C", str(repository)]
    ask = [*git, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
    commit = _run(ask, f"{ref}: neither a file nor a git ref").strip()
    # Forced twice, since an interrupted checkout leaves a locked worktree.
    remove = [*git, "worktree", "remove", "--force", "--force", str(folder)]
    try:
        _run([*git, "worktree", "add", "--quiet", "--detach", str(folder), commit], f"checking out {ref}")
        yield folder, commit
    except BaseException:
        with suppress(LibraryError):
            _run(remove, "putting the worktree away")
        raise
    _run(remove, "putting the worktree away")


def build(lib: Path, folder: Path, defines: Sequence[str] = ()) -> Path:
    """Build lib/ of a tree in folder, and return the library. Raises LibraryError with the compiler's messages."""
    flags = " ".join(f"-D{define}" for define in defines)
    configure = ["cmake", "-S", str(lib), "-B", str(folder), *OPTIONS, f"-DCMAKE_C_FLAGS={flags}"]
    if shutil.which("ninja"):
        configure += ["-G", "Ninja"]
    _run(configure, f"configuring {lib}")
    _run(["cmake", "--build", str(folder), "-j", "2", "--target", "video_shm"], f"building {lib}")
    return (folder / NAME).resolve()


def inspect_library(label: str, path: Path, commit: str | None) -> Library:
    """Return what can be seen of a library. Raises LibraryError if it is none."""
    if not path.is_file():
        raise LibraryError(f"{path}: no such library")
    try:
        file = looking.read_file(path)
        loaded = looking.load(path, file)
        files = [file, *map(looking.read_file, loaded.beside)]
    except looking.NoLibrary as error:
        raise LibraryError(f"{path}: no library: {error}") from None
    known = [one for one in files if one is not None]
    return Library(
        label,
        path,
        commit,
        loaded.names | (file.symbols if file else frozenset()),
        sum(one.size for one in known) if len(known) == len(files) else None,
        file.versions if file else None,
        loaded.beside,
        loaded.obstacle,
    )


def obtain(word: str, repository: Path | None, folder: Path) -> Library:
    """Return the library that is named: PATH.so, PATH.a, SHIM.so:PATH.so or a git ref. Raises LibraryError.

    A file is used directly; an archive or a wrapper is linked in folder, and a ref is built there. Libraries in
    LD_PRELOAD are refused, since calls through a library's handle would bypass them.
    """
    if shims := linking.preloaded():
        what = ":".join([*shims, word])
        raise LibraryError(f"LD_PRELOAD does not reach a library that is asked by its path: unset it, and give {what}")
    if linked := _linked(word, folder):
        return inspect_library(word, linked, None)
    if word.endswith(".so") or ".so." in Path(word).name or (os.sep in word and Path(word).is_file()):
        return inspect_library(word, Path(word).resolve(), None)
    if repository is None:
        repository = find_repository(Path.cwd())
    folder.mkdir(parents=True, exist_ok=True)
    with held() as hold, checked_out(repository, word, folder / "tree") as (tree, commit), hold.lifted():
        built = build(tree / "lib", folder / "build")
        kept = folder / NAME
        shutil.copy2(built, kept)
        binding = _binding_of(tree, folder / "binding")
        header = Path(shutil.copy2(tree / HEADER, folder)) if (tree / HEADER).is_file() else None
    shutil.rmtree(folder / "build", ignore_errors=True)
    return replace(inspect_library(word, kept, commit), binding=binding, header=header)


def _binding_of(tree: Path, folder: Path) -> Path | None:
    if not (tree / BINDING).is_dir():
        return None
    shutil.copytree(tree / BINDING, folder / BINDING)
    return folder


def _linked(word: str, folder: Path) -> Path | None:
    """Link an archive, or wrappers with their library, or return None if the word is neither. Raises LibraryError."""
    paths = [Path(part).resolve() for part in word.split(":")]
    is_archive = word.endswith(".a") and Path(word).is_file()
    if not is_archive and (len(paths) == 1 or Path(word).is_file() or not all(path.is_file() for path in paths)):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    made, compiler = folder / NAME, os.environ.get("CC", "cc")
    command = linking.archive_command if is_archive else linking.front_command
    try:
        _run(command(paths, made, compiler), f"linking {word}")
    except FileNotFoundError:
        raise LibraryError(f"linking {word}: needs a C compiler, {compiler}") from None
    except looking.NoLibrary as error:
        raise LibraryError(f"{word}: no library: {error}") from None
    return made


def _run(command: Sequence[str], what: str) -> str:
    try:
        done = run_to_end(command, BUILD_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise LibraryError(f"{what}: no end after {BUILD_TIMEOUT_S:g} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise LibraryError(f"{what}: {said}" if said else what)
    return done.stdout
