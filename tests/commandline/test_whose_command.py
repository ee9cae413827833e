# SPDX-License-Identifier: Apache-2.0
"""Signals end our own commands however they are started, and are left to programs of others, also of the same name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from vshm import TIMEOUT_S
from writers import ROOT

WHILE_IT_STARTS = """
import signal, sys
sys.addaudithook(lambda event, words: "vshm_ctypes.errors" in words and signal.raise_signal(signal.SIGINT))
"""
AS_PIP_DOES = "import sys\nfrom {} import main\nsys.exit(main())"
THEIRS = """
import signal, vshm_ctypes
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("cleaned up")
"""


def run(folder: Path, *words: str, library: str = "") -> "tuple[int, str, str]":
    environment = os.environ | {"PYTHONPATH": f"{folder}:{ROOT}"} | ({"VSHM_LIBRARY": library} if library else {})
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("code", "entry", "words"),
    [
        (130, "vshm_ctypes.cli.main", ["vshm"]),
        (130, "hil.cli.main", ["hil"]),
        (0, "hil.streamer.__main__", ["camera-streamer"]),
        (130, "vshm_ctypes.cli.main", ["archive/vshm"]),
        (130, "", ["-sm", "vshm_ctypes"]),
        (130, "", ["-mvshm_ctypes"]),
        (130, "", ["-m", "hil.vm", "true"]),
    ],
)
def test_our_commands_end_by_a_signal_while_they_start(tmp_path: Path, code: int, entry: str, words: list[str]) -> None:
    (tmp_path / "sitecustomize.py").write_text(WHILE_IT_STARTS)
    (tmp_path / "archive" / "vshm").mkdir(parents=True)
    (tmp_path / "archive" / "vshm" / "__main__.py").write_text(AS_PIP_DOES.format(entry))
    if entry and "/" not in words[0]:
        (tmp_path / words[0]).write_text(AS_PIP_DOES.format(entry))
    assert run(tmp_path, *words) == (code, "", "")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("vshm", ["vshm", "list"]),
        ("vshm", ["-m", "vshm_ctypes", "--help"]),
        ("camera-streamer", ["-m", "hil.streamer"]),
        ("hil", ["-m", "hil", "gate"]),
    ],
)
def test_a_command_without_its_library_says_so_and_what_to_do(tmp_path: Path, name: str, words: list[str]) -> None:
    (tmp_path / "vshm").write_text(AS_PIP_DOES.format("vshm_ctypes.cli.main"))
    code, out, err = run(tmp_path, *words, library="/no/such\x1b/library.so")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"{name}: can't load /no/such\\x1b/library.so (")
    assert "set VSHM_LIBRARY to its path" in err


def test_a_script_without_our_library_has_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("import vshm_ctypes")
    code, _, err = run(tmp_path, "theirs", library="/no/such/library.so")
    assert (code, err.partition("\n")[0]) == (1, "Traceback (most recent call last):")


@pytest.mark.parametrize("name", ["vshm", "camera-streamer", "vshm_ctypes"])
def test_a_script_of_the_same_name_keeps_its_signals(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(THEIRS)
    assert run(tmp_path, name) == (0, "cleaned up\n", "")


@pytest.mark.parametrize("words", [["-m", "hil"], ["hil.py"]], ids=" ".join)
def test_a_package_of_the_same_name_keeps_its_signals(tmp_path: Path, words: list[str]) -> None:
    for folder in (tmp_path / "hil", tmp_path / "hil" / "cli"):
        folder.mkdir()
        (folder / "__init__.py").touch()
    (tmp_path / "hil" / "cli" / "main.py").write_text(f"def main() -> None: ...\n{THEIRS}")
    (tmp_path / "hil" / "__main__.py").write_text("from .cli.main import main")
    (tmp_path / "hil.py").write_text("from hil.cli.main import main")
    assert run(tmp_path, *words) == (0, "cleaned up\n", "")
