# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C at every single step of making, using and putting away what must not be left behind."""

import ast
import os
from pathlib import Path

import pytest
from anywhere import interrupted_anywhere
from writers import ROOT

from hil.processes.command import run_to_end
from vshm_ctypes.bundles.archive import Writer
from vshm_ctypes.cli.record.recording import Recording
from vshm_ctypes.cli.record.verb import _files_of
from vshm_ctypes.commandline.atomic_file import WholeFile, write_whole
from vshm_ctypes.commandline.ending import held


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture(params=["nameless", "named"])
def _files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file system that has files without a name, and of one that has not."""
    if request.param == "named":
        monkeypatch.setattr(WholeFile, "_nameless", lambda self: None)


@pytest.mark.usefixtures("_files")
@pytest.mark.parametrize("before", ["", "dear"])
def test_a_file_is_whole_or_as_it_was(tmp_path: Path, before: str) -> None:
    path = tmp_path / "file"

    def begin() -> None:
        path.unlink(missing_ok=True)
        if before:
            path.write_text(before)

    def check() -> None:
        assert left_in(tmp_path) in ([], ["file"])
        assert (path.read_text() if path.exists() else "") in {before, "whole"}

    interrupted_anywhere(begin, lambda: write_whole(path, "whole"), check)


@pytest.mark.usefixtures("_files")
def test_a_bundle_is_whole_or_none(tmp_path: Path) -> None:
    path = tmp_path / "case.tar.zst"

    def scene() -> None:
        with held() as hold, Writer(path, force=False) as bundle, hold.lifted():
            bundle.add("member", b"content")

    def check() -> None:
        assert left_in(tmp_path) in ([], ["case.tar.zst"])

    interrupted_anywhere(lambda: path.unlink(missing_ok=True), scene, check, of=3)


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # an empty one, that is removed
def test_a_recording_of_nothing_leaves_nothing(tmp_path: Path) -> None:
    clip, timing = tmp_path / "clip.h264", tmp_path / "clip.jsonl"

    def scene() -> None:
        recording = Recording("/ring", str(clip), timing=str(timing))
        with held() as hold, _files_of(recording, force=False, sound=None), hold.lifted():
            pass

    def check() -> None:
        assert left_in(tmp_path) == []

    interrupted_anywhere(lambda: None, scene, check, of=3)


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_a_program_that_is_run_to_its_end_ends_with_us() -> None:
    before = _children()

    def check() -> None:
        assert _children() == before

    interrupted_anywhere(lambda: None, lambda: run_to_end(["sleep", "0.02"]), check, of=5)


# ---- all that makes what must not be left behind ----

MAKERS = {"TemporaryDirectory", "Popen"}
END_BY_THEMSELVES = {
    "hil/host/hiccup.py": "ends where its pipe does",
    "hil/host/load.py": "each load watches for our end, and ends too",
    "hil/workers/child.py": "a fleet's guard ends its group",
    "hil/fleet/fleet.py": "TemporaryDirectory removes it when the interpreter ends; its guard is a process of its own",
    "hil/streamer/sources/program.py": "camera-streamer is never interrupted: it is told to end",
    "vshm_ctypes/cli/publish/muxer_process.py": "the muxer ends where its pipe does",
    "hil/farm/remote_board.py": "ssh ends where its pipe does",
    "hil/gate/promises/troupe.py": "it may load no library of ours: TemporaryDirectory removes it at the end",
}
CONTEXTS = {  # that make them and do not hold: those who enter them do
    "vshm_ctypes/cli/demo.py": {"streaming"},
    "hil/gate/libraries.py": {"workshop"},
    "hil/farm/farm.py": {"_start_board"},
    "hil/vm/machine.py": {"_scratch", "_running"},
}


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


class _Unheld(ast.NodeVisitor):
    """Functions that make such a thing and do not hold it."""

    def __init__(self, makers: set[str]) -> None:
        self.makers, self.found = makers, set[str]()
        self._held, self._function = False, ""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        before, self._function = self._function, node.name
        self.generic_visit(node)
        self._function = before

    def visit_With(self, node: ast.With) -> None:
        before = self._held
        for item in node.items:
            self.visit(item)
            self._held |= isinstance(item.context_expr, ast.Call) and _name(item.context_expr) == "held"
        for statement in node.body:
            self.visit(statement)
        self._held = before

    def visit_Call(self, node: ast.Call) -> None:
        assert _name(node) not in {"mkdtemp", "mkstemp", "NamedTemporaryFile"}, "nobody removes it: TemporaryDirectory"
        if _name(node) in self.makers and not self._held:
            self.found.add(self._function)
        self.generic_visit(node)


def _unheld(makers: set[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in sorted([*ROOT.glob("vshm_ctypes/**/*.py"), *ROOT.glob("hil/**/*.py")]):
        name = str(path.relative_to(ROOT))
        if name not in END_BY_THEMSELVES and not name.startswith("hil/suite/"):  # pytest's fixtures end in order
            visitor = _Unheld(makers)
            visitor.visit(ast.parse(path.read_text()))
            found |= {name: visitor.found} if visitor.found else {}
    return found


def test_whatever_would_be_left_behind_is_made_and_put_away_held() -> None:
    """It may also be held by a context manager of those who use it."""
    assert _unheld(MAKERS) == CONTEXTS
    assert _unheld(MAKERS | set().union(*CONTEXTS.values())) == CONTEXTS
