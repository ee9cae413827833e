# SPDX-License-Identifier: Apache-2.0
"""The gate's libraries: a file is taken as it is, a git ref is built, and nothing is left of that."""

import subprocess
from pathlib import Path

import pytest
from writers import BUILD

from hil.cli.main import main
from hil.figures.exit import Exit
from hil.gate.libraries import LibraryError, obtain

PROJECT = """\
cmake_minimum_required(VERSION 3.22)
project(small LANGUAGES C)
add_library(video_shm SHARED small.c)
"""


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.com"]
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits of a library that exports one call, then two; and one that does not compile."""
    root = tmp_path / "repository"
    (root / "lib").mkdir(parents=True)
    (root / "lib" / "CMakeLists.txt").write_text(PROJECT)
    git(root, "init", "-q")
    for tag, text in (("one", "int one;"), ("two", "int one; int two;"), ("broken", "int one")):
        (root / "lib" / "small.c").write_text(f"{text}\n")
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", tag)
        git(root, "tag", tag)
    return root


def test_a_ref_is_built_and_put_away(repository: Path, tmp_path: Path) -> None:
    library = obtain("one", repository, tmp_path / "built")
    assert library.commit == git(repository, "rev-parse", "one")
    assert (library.symbols, library.label) == (frozenset({"one"}), "one")
    assert library.size and library.path.is_file()
    assert obtain("two", repository, tmp_path / "other").symbols == {"one", "two"}
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    assert sorted(path.name for path in (tmp_path / "built").iterdir()) == ["libvideo_shm.so"]


@pytest.mark.parametrize(("ref", "said"), [("broken", "building"), ("nowhere", "neither a file nor a git ref")])
def test_what_can_not_be_built_is_said(repository: Path, tmp_path: Path, ref: str, said: str) -> None:
    with pytest.raises(LibraryError, match=said):
        obtain(ref, repository, tmp_path / "built")
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_a_ref_is_no_option_of_git(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="neither a file nor a git ref"):
        obtain("--all", repository, tmp_path / "built")


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    library = obtain(str(BUILD / "libvideo_shm.so"), None, tmp_path / "built")
    assert library.path == (BUILD / "libvideo_shm.so").resolve()
    assert {"video_shm_producer_write", "video_shm_consumer_wait"} <= library.symbols
    assert not (tmp_path / "built").exists()


def test_a_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    for name, text in (("absent.so", None), ("text.so", "no library")):
        if text is not None:
            (tmp_path / name).write_text(text)
        with pytest.raises(LibraryError, match=name):
            obtain(str(tmp_path / name), None, tmp_path / "built")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--baseline", "main"],
        ["--baseline", "/absent.so", "--candidate", "/absent.so"],
        ["--baseline", "/absent.so", "--candidate", "/absent.so", "--board", "nowhere"],
        ["--baseline", "/absent.so", "--candidate", "/absent.so", "--replay", "/absent"],
    ],
)
def test_what_can_not_be_used_is_an_error_of_usage(
    words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("scipy", reason="no scipy for this processor")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["gate", *words]) == Exit.USAGE
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
