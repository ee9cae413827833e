# SPDX-License-Identifier: Apache-2.0
"""The two libraries: a path is taken as it is; a git ref is checked out into a worktree, built, and put away again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

BUILD_TIMEOUT_S = 600.0
OPTIONS = ("-DBUILD_TESTING=OFF", "-DVIDEO_SHM_BENCH=OFF", "-DVIDEO_SHM_WERROR=OFF")
NAME = "libvideo_shm.so"


class LibraryError(RuntimeError):
    """A ref that git does not know, a library that does not build, a file that is none; says which."""


@dataclass(frozen=True, slots=True)
class Library:
    """A library to be measured. label: as the user named it. commit: None where it was given as a file.

    symbols: what it exports. size: bytes of code and data, None without binutils.
    """

    label: str
    path: Path
    commit: str | None
    symbols: frozenset[str]
    size: int | None


def cache_folder() -> Path:
    """Where builds are made, one folder for each session, removed afterwards."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "video-shm" / "gate"


def find_repository(start: Path) -> Path:
    """The git repository around a folder. Raises LibraryError."""
    return Path(_run(["git", "-C", str(start), "rev-parse", "--show-toplevel"], "no git repository here").strip())


@contextmanager
def checked_out(repository: Path, ref: str, folder: Path) -> Iterator[tuple[Path, str]]:
    """A worktree of a ref, and the commit it is; gone afterwards. Raises LibraryError."""
    git = ["git", "-C", str(repository)]
    ask = [*git, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
    commit = _run(ask, f"{ref}: neither a file nor a git ref").strip()
    # Twice: one whose making was interrupted is locked.
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
    """Build lib/ of some tree into folder, and return the library. Raises LibraryError with the compiler's words."""
    flags = " ".join(f"-D{define}" for define in defines)
    configure = ["cmake", "-S", str(lib), "-B", str(folder), *OPTIONS, f"-DCMAKE_C_FLAGS={flags}"]
    if shutil.which("ninja"):
        configure += ["-G", "Ninja"]
    _run(configure, f"configuring {lib}")
    _run(["cmake", "--build", str(folder), "-j", "2", "--target", "video_shm"], f"building {lib}")
    return (folder / NAME).resolve()


def look_at(label: str, path: Path, commit: str | None) -> Library:
    """What can be seen of a library without running it. Raises LibraryError where there is none."""
    if not path.is_file():
        raise LibraryError(f"{path}: no such library")
    try:
        listing = _run(["nm", "-D", "--defined-only", "--format=posix", str(path)], f"{path}: no library")
        sizes = _run(["size", str(path)], f"{path}: no library").splitlines()[1].split()
    except FileNotFoundError:
        return Library(label, path, commit, frozenset(), None)
    symbols = frozenset(line.split("@")[0].split()[0] for line in listing.splitlines() if " A " not in line)
    return Library(label, path, commit, symbols, sum(map(int, sizes[:3])))


def obtain(word: str, repository: Path | None, folder: Path) -> Library:
    """PATH.so as it is, or a git ref, built into folder. Raises LibraryError."""
    if word.endswith(".so") or ".so." in Path(word).name or (os.sep in word and Path(word).is_file()):
        return look_at(word, Path(word).resolve(), None)
    if repository is None:
        repository = find_repository(Path.cwd())
    folder.mkdir(parents=True, exist_ok=True)
    with checked_out(repository, word, folder / "tree") as (tree, commit):
        built = build(tree / "lib", folder / "build")
        kept = folder / NAME
        shutil.copy2(built, kept)
    shutil.rmtree(folder / "build", ignore_errors=True)
    return look_at(word, kept, commit)


def _run(command: Sequence[str], what: str) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise LibraryError(f"{what}: no end after {BUILD_TIMEOUT_S:g} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise LibraryError(f"{what}: {said}" if said else what)
    return done.stdout
