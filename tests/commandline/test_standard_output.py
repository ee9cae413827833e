# SPDX-License-Identifier: Apache-2.0
"""Standard output that can't be written: each verb says that it is that, and ends with 1."""

import fcntl
import os
import subprocess
import sys
import termios
from importlib.util import find_spec
from pathlib import Path

import pytest
from vshm import TIMEOUT_S, Camera
from writers import wait_until

from vshm_ctypes.cli.main import VERBS, main

RUN = Path(__file__).parent.parent / "runs" / "small.json"
SAID = "vshm: cannot write standard output: No space left on device\n"
LOG = '{"time":1000.0,"ring":"/r","fps":30.0,"bit_rate":1e6,"latency_s":{"50":1e-4},"missed":0}\n'
WORDS: dict[str, list[list[str]]] = {
    "list": [["-s", "0.01"], ["-s", "0.01", "--json"], ["--help"]],
    "show": [["RING", "-s", "0.01"]],
    "watch": [["RING"]],
    "record": [["RING", "-o", "-", "-c", "1"], ["RING", "-o", "/dev/null", "-c", "1", "--json"]],
    "check": [["RING", "-s", "0.01"]],
    "plot": [["LOG"]],
    "serve": [["--port", "0"]],
    "export": [["--port", "0"], ["--dashboard"], ["--json"]],
    "bundle": [["--what"]],
    "completion": [["bash"]],
    "publish": [["--help"]],
    "relay": [["--help"], ["list", "--help"]],
}
EACH = [(verb, *words) for verb, several in WORDS.items() for words in several]


def test_no_verb_is_left_out() -> None:
    lasting = {"demo"}  # prints as vshm serve does, once camera-streamer has begun
    assert {*WORDS} | lasting == {verb.name for verb in VERBS}


@pytest.mark.usefixtures("watchdog")
@pytest.mark.parametrize("words", EACH, ids=" ".join)
def test_it_is_told_that_it_can_not_be_written(
    ring: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    if words[0] == "serve" and find_spec("aiohttp") is None:
        pytest.skip("no aiohttp here: pip install 'video-shm[web]'")
    (tmp_path / "log").write_text(LOG)
    given = [{"RING": ring, "LOG": str(tmp_path / "log")}.get(word, word) for word in words]
    with Camera(ring), Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        try:
            code: object = main(given)
        except SystemExit as end:  # after --help
            code = end.code
    assert (code, capsys.readouterr().err.count(SAID)) == (1, 1)


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("words", [["--version"], ["export", "--dashboard"]], ids=" ".join)
def test_nothing_else_is_said_when_the_interpreter_ends(words: list[str], unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "vshm_ctypes", *words]
        environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
        result = subprocess.run(
            command, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT_S, check=False
        )
    assert (result.returncode, result.stderr) == (1, SAID)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("hil", ["--version"]),
        ("hil", ["completion", "bash"]),
        ("hil", ["report", str(RUN)]),
        ("hil.streamer", ["--help"]),
        ("hil.streamer", ["--completion", "bash"]),
        ("hil.streamer", ["--print-config"]),
    ],
)
def test_the_other_commands_tell_it_too(module: str, words: list[str], tmp_path: Path) -> None:
    if words == ["--print-config"] and find_spec("av") is None:
        pytest.skip("no PyAV here: pip install 'video-shm[hil]'")
    output = ["-o", str(tmp_path / "report.html")] if words[0] == "report" else []
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", module, *words, *output]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT_S, check=False)
    assert result.returncode == 1
    assert result.stderr.endswith(SAID.removeprefix("vshm: ")), result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_who_shares_it_may_have_made_it_non_blocking() -> None:
    """Node.js does so with a terminal."""
    command = [sys.executable, "-m", "vshm_ctypes", "export", "--dashboard"]
    whole = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=True).stdout
    ear, mouth = os.pipe()
    fcntl.fcntl(mouth, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(mouth, False)
    assert len(whole) > 4096
    with subprocess.Popen(command, stdout=mouth, stderr=subprocess.PIPE) as process, os.fdopen(ear, "rb") as received:
        os.close(mouth)

        def is_full() -> bool:
            there = fcntl.ioctl(ear, termios.FIONREAD, bytes(4))
            return int.from_bytes(there, sys.byteorder) >= 4096 or process.poll() is not None

        wait_until(is_full, "nothing more goes in")
        assert received.read() == whole
        assert (process.wait(TIMEOUT_S), process.stderr and process.stderr.read()) == (0, b"")
