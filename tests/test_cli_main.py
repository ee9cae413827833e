# SPDX-License-Identifier: Apache-2.0
"""The vshm command as a whole: exit codes, JSON, completion."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from vshm import Camera, vshm
from writers import SHARED_MEMORY

from vshm_ctypes import Consumer, Producer
from vshm_ctypes.cli.main import VERBS

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
    assert f"{port}: a port is a number from 0 to 65535" in outcome.err


@pytest.mark.parametrize("words", [["show", "a/b"], ["nonsense"], ["show", "--seconds", "-1"], [], ["record"]])
def test_nonsense_on_the_command_line_is_exit_2(words: list[str]) -> None:
    outcome = vshm(*words)
    assert outcome.code == 2
    assert outcome.err
    assert "Traceback" not in outcome.err


def completed(script: str, *words: str) -> list[str]:
    """What bash would offer for the last of the words."""
    asked = f'{script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
    asked += '_shtab_vshm vshm "${@: -1}" "${@: -2:1}"; printf "%s\\n" "${COMPREPLY[@]}"'
    result = subprocess.run(
        ["bash", "-c", asked, "bash", "vshm", *words], capture_output=True, text=True, timeout=60, check=True
    )
    return result.stdout.split()


def test_bash_completes_verbs_options_rings_and_files(ring: str, tmp_path: Path) -> None:
    outcome = vshm("completion", "bash")
    assert outcome.code == 0
    (tmp_path / "clip.mp4").touch()
    with Producer(ring), Consumer(ring, publish=True):
        assert completed(outcome.out, "rec") == ["record"]
        assert "--clean" in completed(outcome.out, "check", "--")
        assert completed(outcome.out, "show", ring[1:-1]) == [ring[1:]]
        assert not [name for name in completed(outcome.out, "show", "") if name.startswith(("sem.", "vshm_consumer_"))]
        assert completed(outcome.out, "record", "-o", f"{tmp_path}/cl") == [f"{tmp_path}/clip.mp4"]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_name_that_somebody_else_chose_is_never_run(alone: None, tmp_path: Path, shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here: apt-get install {shell}")
    names = ["`touch ran`", "$(touch ran)", "two words;touch ran", "*", "plain"]
    for name in names:
        (SHARED_MEMORY / name).touch()
    os.mkfifo(SHARED_MEMORY / "fifo")
    script = vshm("completion", shell, "--json").json["script"]
    functions = {"bash": "_vshm_rings ''", "zsh": 'compadd() { shift; print -rl -- "${(@q)@}" }; _vshm_rings'}
    asked = re.sub(r"(?m)^(autoload|compinit|compdef|complete) .*$", "", script) + "\n" + functions[shell]
    result = subprocess.run([shell, "-c", asked], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    offered = result.stdout.splitlines()
    assert not (tmp_path / "ran").exists()
    assert sorted(shlex.split(" ".join(offered))) == sorted(names)
    if shell == "bash":  # as the whole of it does, with what a person typed
        assert completed(script, "show", "pla") == ["plain"]
        completed(script, "show", "")
        assert not list(Path.cwd().glob("ran"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
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
    lasting = {"demo", "serve"}  # which go on until they are told to end: test_cli_demo.py, test_serve_access.py
    assert {*words} | lasting == set(VERBS)
    with Camera(ring):
        for verb, options in words.items():
            outcome = vshm(verb, "--json", *options)
            assert outcome.code == 0, (verb, outcome.err)
            documents = outcome.out if verb == "export" else f"[{','.join(outcome.out.splitlines())}]"
            assert json.loads(documents), verb
