# SPDX-License-Identifier: Apache-2.0
"""Modules that run in processes of their own: from where this program has its modules, and never a stranger's."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from far_sides import free_port, listening_ffprobe, told_packets, wait_for_port
from filmed import filmed
from packages import run
from vshm import TIMEOUT_S
from watch_logs import second, written
from writers import ROOT

from vshm_ctypes.commandline.own_module import own_module

PLANTED = "import os; open({proof!r}, 'a').close(); raise SystemExit('planted')\n"
# As the script of an installed vshm: nothing of the current folder is on its path.
SCRIPT = f"import sys; sys.path[0] = {str(ROOT)!r}; from vshm_ctypes.cli.main import main; sys.exit(main())"


@pytest.fixture
def foreign_folder(tmp_path: Path) -> Path:
    """A folder that somebody else has filled: modules that write to proof, in which a user may run our programs."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    for name in ("json", "av", "socket", "vshm_ctypes", "hil", "sitecustomize"):
        (folder / f"{name}.py").write_text(PLANTED.format(proof=str(tmp_path / "proof")))
    return folder


def test_publishing_runs_no_module_of_the_current_folder(foreign_folder: Path, ring: str, tmp_path: Path) -> None:
    pytest.importorskip("av")
    port, told = free_port(), tmp_path / "told"
    url = f"tcp://127.0.0.1:{port}"
    (tmp_path / "vshm").write_text(SCRIPT)
    words = [sys.executable, str(tmp_path / "vshm"), "publish", ring, url, "-t", "3"]
    with filmed(ring), listening_ffprobe(f"{url}?listen=1", told):
        wait_for_port(port)
        done = subprocess.run(words, cwd=foreign_folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert not (tmp_path / "proof").exists()
    assert done.returncode == 0, done.stderr
    assert told_packets(told.read_text())


@pytest.mark.parametrize("options", [[], ["-I"], ["-E", "-OO"], ["-I", "-S"]], ids=" ".join)
def test_a_child_imports_from_where_its_parent_does(options: list[str], foreign_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "only_here").mkdir()
    (tmp_path / "only_here" / "told.py").write_text("import json, sys; print(json.dumps([sys.argv[1:], __name__]))")
    program = f"""
import subprocess, sys
sys.path[:0] = [{str(tmp_path / "only_here")!r}, {str(ROOT)!r}]
sys.path.remove("") if "" in sys.path else None
from vshm_ctypes.commandline.own_module import own_module
raise SystemExit(subprocess.run(own_module("told", "-x", "a b")).returncode)
"""
    assert run(sys.executable, *options, "-P", "-c", program, cwd=foreign_folder) == '[["-x", "a b"], "__main__"]\n'
    assert not (tmp_path / "proof").exists()


def test_a_picture_takes_no_settings_of_the_current_folder(foreign_folder: Path, tmp_path: Path) -> None:
    """matplotlib would read them first: this one names a backend to import, and is no text either."""
    pytest.importorskip("matplotlib")
    (foreign_folder / "matplotlibrc").write_bytes(b"backend: module://json # caf\xe9\n")
    log = written(tmp_path / "watch.log", second(1e9), second(1e9 + 1))
    (tmp_path / "vshm").write_text(SCRIPT)
    run(sys.executable, tmp_path / "vshm", "plot", log, "-o", "drawn.svg", cwd=foreign_folder)
    assert (foreign_folder / "drawn.svg").exists()
    assert not (tmp_path / "proof").exists()


def test_a_program_that_knows_no_python_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(OSError, match=r"told needs a Python of its own"):
        own_module("told")


def test_nobody_starts_a_module_in_another_way() -> None:
    """In hil there are others; tests/hil/test_foreign_folder.py knows what they need."""
    files = (ROOT / "vshm_ctypes").rglob("*.py")
    found = [path.name for path in files if re.search(r'executable,\s*"-[mc]"|multiprocessing', path.read_text())]
    assert set(found) == {"own_module.py"}
