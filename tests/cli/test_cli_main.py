# SPDX-License-Identifier: Apache-2.0
"""The vshm command as a whole: exit codes, JSON, completion."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from vshm import ROOMY, TIMEOUT_S, Camera, vshm

from vshm_ctypes.cli.main import VERBS
from vshm_ctypes.commandline.completion import SHELLS

MAPS = """
import mmap, sys
with open(sys.argv[1], "r+b") as file:
    kept = mmap.mmap(file.fileno(), 4096)
print(flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("verb", ["show", "watch", "check", "record"])
def test_a_ring_that_is_not_there_is_exit_3_and_says_what_to_do(verb: str) -> None:
    words = ["-o", "/dev/null"] if verb == "record" else []
    outcome = vshm(verb, "/vshm_pytest_nothing", *words)
    assert outcome.code == 3
    assert "start its producer" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("verb", ["serve", "export"])
@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_a_port_that_can_not_be_is_exit_2_and_names_the_limits(verb: str, port: str) -> None:
    outcome = vshm(verb, f"--port={port}")
    assert outcome.code == 2
    assert f"{port}: must be a port number from 0 to 65535" in outcome.err


@pytest.mark.parametrize("words", [["show", "a/b"], ["nonsense"], ["show", "--seconds", "-1"], [], ["record"]])
def test_nonsense_on_the_command_line_is_exit_2(words: list[str]) -> None:
    outcome = vshm(*words)
    assert outcome.code == 2
    assert outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_is_a_script_of_the_shell(shell: str) -> None:
    outcome = vshm("completion", shell, "--json")
    assert (outcome.code, outcome.json["shell"]) == (0, shell)
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=outcome.json["script"], text=True, check=True)


def test_every_verb_takes_json_and_prints_nothing_else(ring: str, tmp_path: Path) -> None:
    words = {
        "list": [],
        "show": [ring],
        "watch": [ring, "-t", "1", "--log", str(tmp_path / "log")],
        "record": [ring, "-t", "0.3", "-o", str(tmp_path / "clip.h264")],
        "check": [ring],
        "plot": [str(tmp_path / "log")],
        "export": ["--dashboard"],
        "bundle": ["--what"],
        "completion": ["bash"],
    }
    # Which go on until they are told to end: test_cli_demo.py, test_serve_access.py, and in tests/bridges.
    lasting = {"demo", "publish", "relay", "serve"}
    assert {*words} | lasting == {verb.name for verb in VERBS}
    with Camera(ring, **ROOMY):
        for verb, options in words.items():
            outcome = vshm(verb, "--json", *options)
            assert outcome.code == 0, (verb, outcome.err)
            documents = outcome.out if verb == "export" else f"[{','.join(outcome.out.splitlines())}]"
            assert json.loads(documents), verb


@pytest.mark.parametrize("words", ["list", "show RING", "watch RING -t 0.5", "check", "bundle --seconds 0.3 -o FILE"])
def test_what_python_warns_of_does_not_happen(words: str, ring: str, tmp_path: Path) -> None:
    """Warnings that PYTHONWARNINGS=error makes errors, also those of files that nobody has closed."""
    told = words.replace("RING", ring).replace("FILE", str(tmp_path / "case.tar.zst")).split()
    command = [sys.executable, "-X", "dev", "-W", "error", "-m", "vshm_ctypes", *told]
    with Camera(ring):
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert "Warning" not in done.stderr, done.stderr
