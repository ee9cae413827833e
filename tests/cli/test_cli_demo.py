# SPDX-License-Identifier: Apache-2.0
"""vshm demo: a picture and its page from one command, and nothing left of it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from vshm import TIMEOUT_S
from writers import SHARED_MEMORY, wait_until

from vshm_ctypes import Consumer, Producer, inspect
from vshm_ctypes.cli.serve import DEFAULT_PORT

DEMO = [sys.executable, "-m", "vshm_ctypes", "demo"]


@pytest.fixture
def ring() -> Iterator[str]:
    name = f"/vshm_pytest_demo_{os.getpid()}"
    yield name
    assert not list(SHARED_MEMORY.glob(f"{name[1:]}*"))


@contextmanager
def demo(ring: str, *words: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    command = [*DEMO, ring, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment) as process:
        try:
            yield process
        finally:
            process.kill()


def address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    return str(told["url"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_picture_and_its_page_come_and_go_together(ring: str, number: int) -> None:
    with demo(ring, "--json", "--no-browser", "--port", "0") as process:
        url = address(process)
        with urlopen(url, timeout=TIMEOUT_S) as page:
            assert b"<title>" in page.read()
        with Consumer(ring, start="keyframe") as stream:
            frame = stream.receive(TIMEOUT_S)
            assert frame is not None
            assert frame.width > 0
        (streamer,) = psutil.Process(process.pid).children()
        process.send_signal(number)
        assert process.wait(TIMEOUT_S) == 0
        assert not streamer.is_running()


def test_whoever_kills_it_leaves_no_streamer(ring: str) -> None:
    with demo(ring, "--json", "--no-browser", "--port", "0") as process:
        address(process)
        (streamer,) = psutil.Process(process.pid).children()
        process.kill()
        wait_until(lambda: not streamer.is_running(), "the streamer ends with it")


def test_a_ring_that_has_a_writer_is_left_to_it(ring: str) -> None:
    with Producer(ring) as other:
        other.write(b"frame", keyframe=True)
        done = subprocess.run([*DEMO, ring], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        assert done.returncode == 1
        assert re.search(rf"{ring}.*|.*producer", done.stderr)
        assert inspect(ring).writer_pid == os.getpid()


def test_a_taken_port_is_none_of_its_affairs_until_it_is_asked_for(ring: str) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            pytest.skip(f"port {DEFAULT_PORT} is taken: end what listens there")
        taken.listen()
        with demo(ring, "--json", "--no-browser") as process:
            assert f":{DEFAULT_PORT}/" not in address(process)
            process.terminate()
            assert process.wait(TIMEOUT_S) == 0


def test_the_browser_that_is_named_gets_the_page(ring: str, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text('#!/bin/sh\necho "$1" > "$0.called"\n')
    browser.chmod(0o755)
    called = tmp_path / "browser.called"
    with demo(ring, "--json", "--port", "0", BROWSER=str(browser)) as process:
        url = address(process)
        wait_until(lambda: called.exists() and called.read_text() == f"{url}\n", "the browser is called")
        process.terminate()
        assert process.wait(TIMEOUT_S) == 0
