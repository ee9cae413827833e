# SPDX-License-Identifier: Apache-2.0
"""hil in a folder that somebody else has filled: none of its modules is run, and none of its settings are taken."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packages import run
from writers import ROOT

from hil.vm.system import PYTHON, System, module_inside
from hil.vm.usb_cameras import beside_cameras

NAMES = ("json", "av", "socket", "execnet", "pytest", "multiprocessing", "vshm_ctypes", "hil", "conftest")
PLANTED = "import os; open({proof!r}, 'a').write(__name__ + ' '); raise SystemExit('planted')\n"
# As an installed program: nothing of the current folder is on its path.
PROGRAM = """
import sys
sys.path[0] = {root!r}
{content}
"""
RUN = """
from pathlib import Path
from hil.suite.pytest_runs import RunPlan, run_passes
outcome = run_passes(RunPlan(Path({report!r}), "one", workers={workers}, suite=Path({suite!r})))
sys.exit(max(outcome.codes))
"""
WARM = """
from hil.workers.child import warm_up
from multiprocessing import get_context
import time
if __name__ == "__main__":
    warm_up()
    process = get_context("forkserver").Process(target=time.sleep, args=(0,))
    process.start()
    process.join()
    sys.exit(process.exitcode)
"""
SUITE = """
import json, multiprocessing, socket, time
import pytest
@pytest.mark.parametrize("name", ["together", pytest.param("alone", marks=pytest.mark.timed)])
def test_there_is_nothing_foreign(name):
    process = multiprocessing.get_context("forkserver").Process(target=time.sleep, args=(0,))
    process.start()
    process.join()
    assert process.exitcode == 0
"""


@pytest.fixture
def foreign_folder(tmp_path: Path) -> Path:
    """A folder in which a user may run our programs. Its modules write their names to proof."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.py").write_text(PLANTED.format(proof=str(tmp_path / "proof")))
    return folder


def foreign(tmp_path: Path) -> str:
    proof = tmp_path / "proof"
    return proof.read_text() if proof.exists() else ""


def in_folder(folder: Path, content: str) -> None:
    program = folder.parent / "program"
    program.write_text(PROGRAM.format(root=str(ROOT), content=content))
    run(sys.executable, program, cwd=folder)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_suite_runs_no_module_of_the_current_folder(foreign_folder: Path, tmp_path: Path, workers: int) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    shutil.copy(ROOT / "hil/suite/pytest.ini", suite)
    (suite / "test_suite.py").write_text(SUITE)
    (suite / "conftest.py").write_text("def pytest_configure(config): config.addinivalue_line('markers', 'timed')\n")
    report = tmp_path / "report"
    try:
        in_folder(foreign_folder, RUN.format(report=str(report), workers=workers, suite=str(suite)))
    finally:
        assert foreign(tmp_path) == ""


def test_a_warm_interpreter_runs_no_module_of_the_current_folder(foreign_folder: Path, tmp_path: Path) -> None:
    in_folder(foreign_folder, WARM)
    assert foreign(tmp_path) == ""


def test_modules_inside_a_machine_are_not_the_current_folder_s(foreign_folder: Path, tmp_path: Path) -> None:
    done = subprocess.run(module_inside(None, "hil", "--help"), cwd=foreign_folder, capture_output=True, text=True)
    assert (done.returncode, foreign(tmp_path)) == (0, ""), done.stderr
    assert beside_cameras(2, "webcam", None, ["true"]) == (
        *module_inside(None, "hil.usb", "beside", "2", "webcam"),
        "--",
        "true",
    )
    other = System(tmp_path, "arm64", "aarch64")
    assert beside_cameras(2, "webcam", other, ["true"])[:4] == (str(PYTHON), "-P", "-m", "hil.usb")


def test_the_settings_of_the_project_around_are_not_the_suite_s(tmp_path: Path) -> None:
    """hil is installed in a virtual environment that often lies in the folder of somebody's project."""
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--no-such-option'\n")
    suite = tmp_path / "venv/hil/suite"
    suite.mkdir(parents=True)
    shutil.copy(ROOT / "hil/suite/pytest.ini", suite)
    (suite / "test_suite.py").write_text("def test_nothing(): pass\n")
    in_folder(tmp_path / "venv", RUN.format(report=str(tmp_path / "report"), workers=1, suite=str(suite)))


def test_programs_that_start_python_keep_the_current_folder_out() -> None:
    """By own_module(), by the environment of hil's children, or by -P."""
    for path in (ROOT / "hil").rglob("*.py"):
        text = path.read_text()
        if re.search(r'executable, "-[mc]"|interpreter\(\), "-[mc]"|get_context\("(forkserver|spawn)"\)', text):
            assert re.search(r"child_environment\(\)|SAFE_PATH|warm_up\(\)", text), path
