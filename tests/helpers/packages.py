# SPDX-License-Identifier: Apache-2.0
"""A wheel of this tree, and environments that it is installed in."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from writers import ROOT


def run(*command: object, cwd: Path, **more: str) -> str:
    """Run a command as a user would, with nothing of the checkout around it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VSHM_", "PYTHON"))}
    words = [str(word) for word in command]
    result = subprocess.run(
        words, cwd=cwd, env=environment | more, capture_output=True, text=True, timeout=900, check=False
    )
    assert result.returncode == 0, f"{words}: {result.stdout}{result.stderr}"
    return result.stdout


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that only one of all of pytest's processes fills, while the others wait for it."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # each process has a folder of its own there
    folder, done = base / name, base / f"{name} is made"
    with (base / f"{name} lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of one that failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, which takes a compiler to build. Nobody may change it."""

    def build(folder: Path) -> None:
        options = ("-q", "--no-deps", "--no-build-isolation", "-w", folder)
        run(sys.executable, "-m", "pip", "wheel", *options, ROOT, cwd=folder)

    (built,) = made_once(tmp_path_factory, "wheel", build).glob("*.whl")
    return built


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty virtual environment with nothing but the wheel. Nobody may install anything else there."""

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", folder, cwd=folder)
        run(folder / "bin" / "pip", "install", "-q", "--no-index", wheel, cwd=folder)

    return made_once(tmp_path_factory, "environment", install) / "bin"
