# SPDX-License-Identifier: Apache-2.0
"""The Python binding of one build on the library of another."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from gate_builds import older
from wrappers import BY_PATH, compiled, forwarding
from writers import BUILD, ROOT

pytest.importorskip("scipy", reason="no scipy for this processor")

from hil.gate.bindings import MEANINGS, binding_rows
from hil.gate.libraries import BINDING, Library, inspect_library
from hil.gate.result import Row, RowVerdict

THIS = inspect_library("this", (BUILD / "libvideo_shm.so").resolve(), None)
READING = "mixed_publish_of_candidate"  # the candidate's reader publishes, and the baseline's binding finds it


def rows_of(baseline: Library, candidate: Library) -> dict[str, Row]:
    return {row.name: row for row in binding_rows(baseline, candidate)}


def with_binding(folder: Path, file: str, before: str, after: str) -> Library:
    """Return this library with a tree whose binding is changed in one place."""
    shutil.copytree(ROOT / BINDING, folder / BINDING, ignore=shutil.ignore_patterns("__pycache__", "lib", "include"))
    path = folder / BINDING / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    return replace(THIS, label="./other.so", binding=folder)


def test_bindings_and_libraries_of_one_tree_fit() -> None:
    rows = rows_of(THIS, THIS)
    assert list(rows) == list(MEANINGS)
    assert {name: row.detail for name, row in rows.items() if row.verdict is not RowVerdict.SAME} == {}


def test_what_readers_publish_in_another_size_is_found(tmp_path: Path) -> None:
    """Each binding finds only what it has published itself."""
    other = with_binding(tmp_path, "published.py", "QQQQ208sQ", "QQQQ216sQ")
    rows = rows_of(THIS, other)
    worse = {name for name, row in rows.items() if row.verdict is RowVerdict.WORSE}
    assert READING in worse and all("publish" in name for name in worse)
    assert "its reader: the ring's inode, alive, frames: expected " in rows[READING].detail


def test_a_binding_that_takes_another_struct_is_found(tmp_path: Path) -> None:
    other = with_binding(tmp_path, "_structs.py", '("policy", c_uint32),\n        ("resync"', '("resync"')
    row = rows_of(THIS, other)["mixed_binding_of_candidate_exchange"]
    assert row.verdict is RowVerdict.WORSE and "another ABI" in row.detail


def test_what_an_older_library_or_binding_lacks_is_said(tmp_path: Path) -> None:
    """It is no regression, unless the candidate lacks a call that the baseline's binding needs."""
    old = replace(THIS, label="old", path=older(tmp_path))
    rows = rows_of(old, THIS)
    row = rows["mixed_binding_of_candidate_exchange"]
    assert row.verdict is RowVerdict.UNMEASURED and row.detail.startswith("not asked: old lacks ")
    row = rows_of(THIS, old)["mixed_binding_of_baseline_exchange"]
    assert row.verdict is RowVerdict.WORSE and "has no video_shm_" in row.detail
    (tmp_path / "tree").mkdir()
    plain = with_binding(tmp_path / "tree", "py.typed", "", "")
    (tmp_path / "tree" / BINDING / "published.py").unlink()
    row = rows_of(plain, THIS)["mixed_publish_of_baseline"]
    assert row.verdict is RowVerdict.UNMEASURED
    assert row.detail == "not asked: ./other.so lacks readers that publish their counters"


def test_a_binding_that_crashes_is_told_by_its_last_word(tmp_path: Path) -> None:
    crashing = compiled(
        tmp_path,
        "crashing",
        forwarding(BY_PATH.format(library=THIS.path), {"video_shm_consumer_stats": "__builtin_trap();"}),
    )
    row = rows_of(THIS, inspect_library("crashing", crashing, None))["mixed_binding_of_baseline_exchange"]
    assert row.verdict is RowVerdict.WORSE and "it ended with -" in row.detail
