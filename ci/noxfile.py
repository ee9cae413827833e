# SPDX-License-Identifier: Apache-2.0
"""Runs the Python tests with every Python on this machine: nox -f ci/noxfile.py"""

import os
import shutil
import tomllib
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent.parent
# pyenv keeps its interpreters off PATH, and puts there what names them and refuses to run.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
os.environ["PATH"] = os.pathsep.join([*map(str, PYENV.glob("versions/3.*/bin")), os.environ["PATH"]])
PYTHONS = [version for minor in range(11, 30) if shutil.which(f"python{(version := f'3.{minor}')}")]
CHECKERS = ("clang-format", "mypy", "nox", "ruff")  # of the extra dev; they have had their say

nox.options.error_on_missing_interpreters = False
nox.options.envdir = str(ROOT / ".nox")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all of tests/ in an environment of its own."""
    session.chdir(ROOT)
    development = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["dev"]
    session.install(*(need for need in development if not need.startswith(CHECKERS)))
    session.run("python", "-m", "pytest", "tests", "-q", "-n", str(os.cpu_count()), "--dist", "loadgroup")
