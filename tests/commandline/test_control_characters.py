# SPDX-License-Identifier: Apache-2.0
"""Control characters in names: what anybody may call a ring or a file does nothing to the terminal that shows it."""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from vshm import ROOMY, Camera, Outcome, vshm
from writers import SHARED_MEMORY

from hil.streamer.log import LOG, set_up
from vshm_ctypes import Consumer, Consumers, Producer, ProducerNotRunning, inspect
from vshm_ctypes.printable import shell_word

NASTY = "\x1b[31m\n\x9b\x7f"
SHOWN = r"\x1b[31m\n\x9b\x7f"


@pytest.fixture
def nasty(ring: str) -> Iterator[str]:
    with Camera(f"{ring}{NASTY}", **ROOMY):
        yield f"{ring}{NASTY}"


def is_clean(outcome: Outcome) -> bool:
    return not re.search(r"[^\n -~]", outcome.out + outcome.err) and SHOWN in outcome.out + outcome.err


def test_a_summary_shows_ring_and_file_on_one_line(nasty: str, tmp_path: Path) -> None:
    recorded = vshm("record", nasty, "-o", str(tmp_path / f"{NASTY}.bin"), "-c", "2")
    assert recorded.code == 0 and is_clean(recorded), recorded
    assert recorded.err.startswith(f"{nasty.removesuffix(NASTY)}{SHOWN} -> {tmp_path}/{SHOWN}.bin: 2 frames, ")
    packed = vshm("bundle", "--no-video", "--seconds", "0.1", "-o", str(tmp_path / f"{NASTY}.tar.zst"))
    assert packed.code == 0 and is_clean(packed), packed
    assert f"\n{tmp_path}/{SHOWN}.tar.zst: " in packed.out


@pytest.mark.parametrize("program", ["vshm_ctypes", "hil.streamer", "hil", "hil.usb"])
def test_what_was_typed_is_complained_of(program: str) -> None:
    words = {"vshm_ctypes": ["list"], "hil": ["report", "x"], "hil.usb": ["tell", "x", "y"]}.get(program, [])
    command = [sys.executable, "-m", program, *words, f"--{NASTY}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1].endswith(f"--{SHOWN}")) == (2, True), done.stderr


def test_a_log_has_a_line_for_each_event(capsys: "pytest.CaptureFixture[str]", monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"handlers": [], "level": logging.NOTSET, "propagate": True}.items():
        monkeypatch.setattr(LOG, name, value)  # which are put back at the end
    set_up("text")
    LOG.info("%s: begins", NASTY)
    assert capsys.readouterr().err.endswith(f" INFO {SHOWN}: begins\n")


def test_readers_and_writers_are_shown(ring: str) -> None:
    with Producer(f"{ring}{NASTY}") as producer, Consumer(producer.ring) as stream, Consumers([stream.ring]) as streams:
        assert repr(producer) == f"<Producer {ring}{SHOWN}, open>"
        assert repr(stream) == f"<Consumer {ring}{SHOWN}, open>"
        assert repr(streams) == f"<Consumers {ring}{SHOWN}>"
        with pytest.raises(ProducerNotRunning) as missing:
            inspect(f"{ring}_none")
        assert f"{ring}{NASTY}" not in str(missing.value)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("byte", [b"\xe9", b""])
def test_a_command_to_paste_names_the_same_file_to_a_shell(byte: bytes) -> None:
    path = SHARED_MEMORY / f"video_stream_{os.getpid()}'\\ {NASTY}1\u202e{os.fsdecode(byte)}"
    path.write_bytes(b"")
    try:
        [told] = [
            one for one in vshm("check", "--json", "-s", "0.1").json["findings"] if one["subject"] == f"/{path.name}"
        ]
        command = re.search(r"\((ls -l .*)\), and remove it", told["todo"])
        assert command and command[1].isprintable()
        pasted = subprocess.run(["bash", "-c", f"{command[1]} && {command[1].replace('ls -l', 'rm')}"], check=False)
        assert (pasted.returncode, path.exists()) == (0, False)
    finally:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("word", ["cam", "a b", "", "$HOME", "it's\x1b", "\x1b1", "\\\n", "\x9b\u202eé"])
def test_a_word_of_a_command_is_the_same_to_a_shell(word: str) -> None:
    said = subprocess.run(["bash", "-c", f"printf %s {shell_word(word)}"], capture_output=True, check=True).stdout
    assert (said.decode(), shell_word(word).isprintable()) == (word, True)
