# SPDX-License-Identifier: Apache-2.0
"""Host names that no program expects: a network gives them, and the kernel takes any bytes."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from vshm import TIMEOUT_S

from vshm_ctypes import Producer

from .host import Host, require

NAMES = [b"caf\xe9", b"a\x1b[31mb", b"a/b", b".x", b"a" * 64, b"(none)"]
NAMED = "import os, socket, sys; socket.sethostname(bytes.fromhex(sys.argv[1])); os.execvp(sys.argv[2], sys.argv[2:])"


@contextmanager
def started(name: bytes, *words: str, alone: bool = False) -> Iterator["subprocess.Popen[str]"]:
    """Start vshm on a machine of that name. alone: it has no network."""
    before = (sys.executable, "-c", NAMED, name.hex())
    host = require(
        Host("host name", "a name that nobody expects", namespaces=("--uts", *["--net"] * alone), before=before)
    )
    command = host.command(sys.executable, "-m", "vshm_ctypes", *words)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("name", NAMES)
def test_the_address_of_the_page_can_be_printed(name: bytes) -> None:
    pytest.importorskip("aiohttp")
    with started(name, "serve", "--host", "0.0.0.0", "--port", "0", alone=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=TIMEOUT_S)
    assert line.startswith("http://") and line.rstrip("\n").isprintable(), err
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_a_board_is_exported_or_another_name_is_asked_for(name: bytes, ring: str) -> None:
    pytest.importorskip("zenoh")
    words = ("relay", "export", ring, "--listen", "tcp/127.0.0.1:0", "--json")
    with Producer(ring), started(name, *words) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=TIMEOUT_S)
    if line:
        assert json.loads(line)
    else:
        assert process.returncode == 2
        assert "choose one by --board NAME" in err and err.rstrip("\n").isprintable()
    assert bool(line) == (name in (b"a" * 64, b"(none)"))


def test_a_bundle_is_packed_whatever_the_host_is_called(tmp_path: Path, ring: str) -> None:
    with (
        Producer(ring),
        started(NAMES[0], "bundle", "--seconds", "0.2", "-o", str(tmp_path / "case.tar.zst")) as process,
    ):
        _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, err
