# SPDX-License-Identifier: Apache-2.0
"""Completion of all three commands, asked of the shells themselves: on a terminal, with what a person types."""

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hosts import on_terminal
from vshm import TIMEOUT_S
from writers import SHARED_MEMORY

from vshm_ctypes import Consumer, Producer

EVERYTHING = "e '\"\\$(touch ran)`touch ran`!e!!;touch ran&*~#{1,2}"  # what means something to any shell
SCRIPTS = {
    "vshm": ("vshm_ctypes", "completion"),
    "hil": ("hil", "completion"),
    "camera-streamer": ("hil.streamer", "--completion"),
}
# What the command line has become is printed by a function of the command's name.
RAN = "() { printf 'ran<%s>\\n' \"$@\"; exit; }"
SETTINGS = {
    "bash": "PS1='ready> '; bind 'set enable-bracketed-paste off' 'set bell-style none'",
    "zsh": "PS1='ready> '; unsetopt prompt_sp zle_bracketed_paste; autoload -Uz compinit; compinit -D -u",
}

# How a person has a script read.
LOADED = {
    "source": "source <(cat {script})",
    "eval": 'eval "$(cat {script})"',
    "autoload": "autoload -Uz {script}; compdef _{program} {program}",
    "fish": "source {script}",
}


@cache
def script(program: str, shell: str) -> str:
    module, *words = SCRIPTS[program]
    command = [sys.executable, "-m", module, *words, shell]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True).stdout


def shell_of(name: str) -> str:
    if not shutil.which(name):
        pytest.skip(f"no {name} here: apt-get install {name}")
    return name


class Completing:
    """A shell that has the scripts of all three commands."""

    def __init__(self, shell: str, folder: Path, loaded: str) -> None:
        self._shell, self._folder = shell_of(shell), folder
        functions = [f"{program}{RAN}" for program in SCRIPTS] if shell != "fish" else []
        scripts = [script(program, shell) for program in SCRIPTS]
        sourced = []
        for program, text in zip(SCRIPTS, scripts, strict=True):
            path = folder / f"_{program}"
            path.write_text(text)
            sourced.append(LOADED[loaded].format(script=path, program=program))
        self._setup = "\n".join([SETTINGS.get(shell, ""), *sourced, *functions])

    def words(self, line: str) -> list[str]:
        """Return the words of a line after the tab key was pressed; for fish, what it offers."""
        if self._shell == "fish":
            asked = f"{self._setup}\ncomplete -C {line!r}"
            command = ["fish", "--no-config", "-c", asked]
            told = subprocess.run(
                command, cwd=self._folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=True
            ).stdout
            return [offered.partition("\t")[0] for offered in told.splitlines()]
        typed = self._typed(f"{line}\t\r").replace("\r", "")
        return re.findall(r"^ran<(.*?)>$", typed, flags=re.MULTILINE | re.DOTALL)

    def _typed(self, keys: str) -> str:
        (self._folder / ".zshrc").write_text(self._setup)
        (self._folder / "bashrc").write_text(self._setup)
        words = {"bash": ["bash", "--rcfile", str(self._folder / "bashrc"), "-i"], "zsh": ["zsh", "-d", "-i"]}
        command, folder = words[self._shell], str(self._folder)
        own = {"ZDOTDIR": folder, "HOME": folder}
        return on_terminal(
            command, until="ready> ", by=keys.encode(), term="dumb", folder=self._folder, environment=own
        )[1]


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Completing:
    return Completing(request.param, tmp_path, "fish" if request.param == "fish" else "source")


@pytest.mark.parametrize(("shell", "loaded"), [("bash", "eval"), ("zsh", "eval"), ("zsh", "autoload")])
def test_a_script_may_be_read_in_every_usual_way(shell: str, loaded: str, tmp_path: Path) -> None:
    assert Completing(shell, tmp_path, loaded).words("vshm rec")[-1:] == ["record"]


@pytest.mark.parametrize(
    ("line", "last"),
    [
        ("vshm rec", "record"),
        ("vshm check --cl", "--clean"),
        ("vshm record --from keyf", "keyframe"),
        ("vshm watch --log case-of", "case-of-yesterday.log"),
        ("hil calib", "calibrate"),
        ("hil run --camera viv", "vivid"),
        ("hil gate --output folder-of", "folder-of-gates"),
        ("camera-streamer --print-c", "--print-config"),
        ("camera-streamer --device tes", "testsrc"),
        ("camera-streamer --codec h265", "h265"),
        ("camera-streamer --audio testa", "testaudio"),
        ("camera-streamer --config case-of", "case-of-yesterday.log"),
    ],
)
def test_a_shell_completes_verbs_options_values_and_files(
    shell: Completing, line: str, last: str, tmp_path: Path
) -> None:
    (tmp_path / "case-of-yesterday.log").touch()
    (tmp_path / "folder-of-gates").touch()
    words = shell.words(line)
    assert words
    assert words[-1] == last


def test_a_shell_completes_rings_and_nothing_else_of_dev_shm(shell: Completing, ring: str) -> None:
    with Producer(ring), Consumer(ring, publish=True):
        for typed, offered in ((ring[1:-1], ring[1:]), (ring[:-1], ring), (f'"{ring[:-1]}', ring)):
            assert shell.words(f"vshm show {typed}")[-1:] == [offered]
        assert shell.words("vshm show vshm_consumer")[-1:] in ([], ["vshm_consumer"])


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("two words;touch ran", "two"),
        ("two words;touch ran", r"two\ w"),
        ("x$(touch ran)", "x"),
        ("y`touch ran`", "y"),
        ("z*", "z"),
        ("q'\"\\q", "q"),
        (EVERYTHING, "/e"),
        (EVERYTHING, '"e '),
        (EVERYTHING, "'/e "),
        ("-n", "-- -n"),
    ],
)
def test_a_name_that_somebody_else_chose_is_one_word_and_never_run(
    shell: Completing, name: str, typed: str, tmp_path: Path
) -> None:
    (SHARED_MEMORY / name).touch()
    words = shell.words(f"vshm show {typed}")
    assert words[-1] in (name, f"/{name}")
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("name", ["-dash", "12"])
def test_what_would_be_an_option_or_a_channel_is_offered_with_its_slash(shell: Completing, name: str) -> None:
    (SHARED_MEMORY / name).touch()
    assert shell.words("vshm show ")[-1:] == [f"/{name}"]


@pytest.mark.usefixtures("alone")
def test_a_name_with_a_line_break_gives_no_word_of_its_own(shell: Completing, tmp_path: Path) -> None:
    (SHARED_MEMORY / "line\nbreak;touch ran").touch()
    assert shell.words("vshm show lin")[-1:] in ([], ["line\nbreak;touch ran"])  # fish offers no such name
    assert shell.words("vshm show brea")[-1:] in ([], ["brea"])
    assert not (tmp_path / "ran").exists()
