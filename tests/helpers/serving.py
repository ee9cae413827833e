# SPDX-License-Identifier: Apache-2.0
"""Runs vshm serve as a child process, and cameras for it to show."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
from vshm import TIMEOUT_S
from writers import wait_until

from vshm_ctypes import Codec

TOKEN = "a-token-of-these-tests"
SERVE = [sys.executable, "-m", "vshm_ctypes", "serve", "--port", "0"]
CAMERA = """
import sys, time
sys.path[:0] = sys.argv[3].split(":")
from encoded import FPS, HEIGHT, WIDTH, stream
from vshm_ctypes import Codec, Producer
codec = Codec(int(sys.argv[2]))
units = stream(codec, 100)
with Producer(sys.argv[1], slots=500, slot_size=16 * 1024) as ring:  # ten seconds: nobody is lapped on a busy machine
    for number in range(10**9):
        data, keyframe = units[number % len(units)]
        ring.write(data, keyframe=keyframe, codec=codec, width=WIDTH, height=HEIGHT, fps=FPS)
        time.sleep(0.02)
"""


class Server:
    """A running server, with the address that it printed."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        self.process = process
        self.printed = process.stdout.readline().strip()
        match = re.search(r":(\d+)/", self.printed)
        assert match, f"no address: {self.printed}"
        self.port = int(match[1])

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@contextmanager
def serving(*words: str) -> Iterator[Server]:
    with subprocess.Popen([*SERVE, *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(TIMEOUT_S) == 0


@contextmanager
def guarded_serving(folder: Path) -> Iterator[Server]:
    """Run a server for other machines too, with TOKEN from a file in that folder."""
    file = folder / "token"
    file.write_text(f"{TOKEN}\n")
    with serving("--host", "0.0.0.0", "--token-file", str(file)) as server:
        yield server


@contextmanager
def camera(ring: str, codec: Codec = Codec.H264) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process that plays real pictures into a ring; it is killed at the end of the block."""
    process = subprocess.Popen([sys.executable, "-c", CAMERA, ring, str(int(codec)), ":".join(sys.path)])
    try:
        wait_until(lambda: Path(f"/dev/shm{ring}").exists(), "the camera is there")
        yield process
    finally:
        process.kill()
        process.wait(TIMEOUT_S)


def in_session(test: Callable[[aiohttp.ClientSession], Awaitable[Any]]) -> Any:
    async def with_session() -> Any:
        async with aiohttp.ClientSession() as session:
            return await asyncio.wait_for(test(session), TIMEOUT_S)

    return asyncio.run(with_session())


def status(url: str, **headers: str) -> int:
    async def get(session: aiohttp.ClientSession) -> int:
        async with session.get(url, headers=headers, allow_redirects=False) as answer:
            return answer.status

    result: int = in_session(get)
    return result
