# SPDX-License-Identifier: Apache-2.0
"""Mixed builds: what two libraries promise together, and what is found where they do not understand each other."""

import shutil
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from gate_builds import older
from wrappers import wrapped
from writers import BUILD, ROOT

pytest.importorskip("scipy", reason="no scipy for this processor")

from rich.console import Console

from hil.cli.main import build_parser
from hil.gate import alone
from hil.gate.asking import ask
from hil.gate.defects import build_defect, read_defects
from hil.gate.libraries import Library, inspect_library
from hil.gate.mixed import PREFIX, is_mixed, mixed_rows
from hil.gate.promises import PROMISES
from hil.gate.result import Row, RowVerdict

THIS = Library("this", (BUILD / "libvideo_shm.so").resolve(), None, frozenset(), None)
DEFECTS = {defect.name: defect for defect in read_defects(ROOT)}
TOGETHER = "flags_renumbered_in_the_ring"


def rows_of(names: list[str], baseline: Library, candidate: Library) -> dict[str, Row]:
    return {row.name: row for row in mixed_rows(ask(names, candidate.path), baseline, candidate)}


def test_whatever_has_two_sides_is_asked_of_both_builds() -> None:
    """A second writer, a reader, or a look from outside; not what one process does with a ring of its own."""
    names = ["goes_on_after_a_death", "refuses_a_second_writer", "tells_its_version", "refuses_a_frame_that_is_none"]
    names += ["leaves_nothing_of_a_writer", "tells_who_writes_and_since_when"]
    rows = rows_of(names, THIS, THIS)
    assert {name: row.verdict for name, row in rows.items()} == {
        f"mixed_{name}": RowVerdict.SAME
        for name in ("goes_on_after_a_death", "refuses_a_second_writer", "tells_who_writes_and_since_when")
    }
    assert not is_mixed("leaves_nothing_of_a_writer") and is_mixed("notices_a_dead_writer")
    assert sum(map(is_mixed, PROMISES)) > 100


def test_a_library_and_its_copy_understand_each_other_in_all(tmp_path: Path) -> None:
    """What is broken between those two is the gate's own fault, and a false alarm in each session."""
    copy = Path(shutil.copy(THIS.path, tmp_path / "copy.so"))
    rows = rows_of([name for name in PROMISES if is_mixed(name)], THIS, replace(THIS, label="copy", path=copy))
    assert {name: row.detail for name, row in rows.items() if row.verdict is not RowVerdict.SAME} == {}


def test_builds_that_agree_with_themselves_alone_are_found(tmp_path: Path) -> None:
    defect = DEFECTS[TOGETHER]
    other = replace(THIS, label="./other.so", path=build_defect(ROOT, defect, tmp_path))
    names = ["carries_each_flag", "carries_each_field_as_it_was_given"]
    assert not any(told.broken for told in ask(names, other.path).values())
    rows = rows_of(names, THIS, other)
    assert {name for name, row in rows.items() if row.verdict is RowVerdict.WORSE} == set(defect.seen_by)
    told = rows[PREFIX + names[0]].detail
    assert "this writes first, ./other.so reads and follows: " in told
    assert "./other.so writes first, this reads and follows: " in told
    assert told.endswith("(alone: hil gate promise carries_each_flag --library ./other.so --beside this)")
    # The same two are worse whichever is the candidate; one that is broken alone is no one's who comes after it.
    assert rows_of(names, other, THIS)[PREFIX + names[0]].verdict is RowVerdict.WORSE


def test_two_builds_can_be_seen_alone(tmp_path: Path) -> None:
    other = build_defect(ROOT, DEFECTS[TOGETHER], tmp_path)
    for beside, code in ((THIS.path, 0), (other, 1)):
        out = StringIO()
        words = ["gate", "promise", "carries_each_flag", "--library", str(THIS.path), "--beside", str(beside)]
        assert alone.run(build_parser().parse_args(words), Console(file=out, width=100)) == code
        lines = out.getvalue()
        assert lines.count(" writes first, ") == 2
        assert lines.count("carries_each_flag: broken") == 2 * code


def test_what_one_of_them_lacks_is_not_asked(tmp_path: Path) -> None:
    """An older library has fewer calls."""
    old = replace(THIS, label="old", path=older(tmp_path))
    rows = rows_of(["numbers_frames_from_nought", "gives_keyframes_only"], old, THIS)
    assert rows["mixed_numbers_frames_from_nought"].verdict is RowVerdict.SAME
    row = rows["mixed_gives_keyframes_only"]
    assert row.verdict is RowVerdict.UNMEASURED and row.detail.startswith("not asked: the library has no video_shm_")


def test_a_wrapper_meets_what_it_is_around_and_nothing_else(tmp_path: Path) -> None:
    """Loaded beside another one of the same soname, it would pass calls on to that."""
    wrapper = inspect_library("wrapper", wrapped(tmp_path, "typedef int nothing;\n"), None)
    (row,) = rows_of(["goes_on_after_a_death"], THIS, wrapper).values()
    assert row.verdict is RowVerdict.SAME
    other = replace(THIS, path=Path(shutil.copy2(THIS.path, tmp_path / "other.so")))
    (row,) = rows_of(["goes_on_after_a_death"], other, wrapper).values()
    assert row.verdict is RowVerdict.UNMEASURED and "not asked: wrapper passes calls on to " in row.detail
