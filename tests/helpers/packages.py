# SPDX-License-Identifier: Apache-2.0
"""A wheel of this tree, and environments that it is installed in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from writers import ROOT


def run(*command: object, cwd: Path, **more: str) -> str:
    """Run a command as a user would, with nothing of the checkout around it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VSHM_", "PYTHON"))}
    words = [str(word) for word in command]
    result = subprocess.run(
        words, cwd=cwd, env=environment | more, capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, f"{words}: {result.stdout}{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty virtual environment with nothing but the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    run(folder / "bin" / "pip", "install", "-q", "--no-index", wheel, cwd=folder)
    return folder / "bin"
