# SPDX-License-Identifier: Apache-2.0
"""Port scanners, half requests and slow readers: they fill no log, and keep nobody else from an answer."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest
from aiohttp import web
from vshm import TIMEOUT_S
from writers import wait_until

from hil.streamer.websocket import WebSocketServer
from vshm_ctypes.cli.export.server import ExportServer
from vshm_ctypes.commandline.rate_limited_log import Seldom
from vshm_ctypes.serving.client_limits import DOOR, Door

HOST = b"Host: localhost\r\n"
NO_REQUESTS = {
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(190),
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "zeros": bytes(40) + b"\r\n\r\n",
    "a control character": b"GET /\x1b[2J HTTP/1.1\r\n" + HOST + b"\x1b: \x1b[2J\r\n\r\n",
    "an unknown method": b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a long line": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: a\r\n" % number for number in range(5000)) + b"\r\n",
    "no colon": b"GET / HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n",
    "a length below zero": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -5\r\n\r\nxx",
    "a chunk of no length": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "an unknown version": b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "RTSP": b"OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    "half a host": b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
    "half an origin": b"GET / HTTP/1.1\r\n" + HOST + b"Origin: http://[\r\n\r\n",
    "a long name": b"GET /static/" + b"a" * 3000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "no text": b"GET /live?ring=\xed\xa0\x80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a form that is none": b"GET /metrics HTTP/1.1\r\n"
    + HOST
    + b"Accept: application/openmetrics-text; version=x\r\n\r\n",
    "who leaves at once": b"GET /live?ring=../x HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
}
HALF = b"GET / HTTP/1.1\r\nHost: loc"
CROWD = 150
FEW = 100  # descriptors: what a crowd may take, beside what is open anyway


def descriptors(pid: int) -> int:
    return len([*Path(f"/proc/{pid}/fd").iterdir()])


class Served(NamedTuple):
    pid: int
    port: int
    log: Path

    def descriptors(self) -> int:
        return descriptors(self.pid)

    def answers(self) -> bool:
        """Whether it does, to somebody who means it."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=TIMEOUT_S) as answer:
            return bool(answer.read())


@pytest.fixture(params=["serve", "export"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    command = [sys.executable, "-m", "vshm_ctypes", request.param, "--port", "0"]
    log = tmp_path / "log"
    with log.open("w") as told, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, text=True) as process:
        assert process.stdout is not None
        try:
            port = re.search(r":(\d+)/", process.stdout.readline())
            assert port
            yield Served(process.pid, int(port[1]), log)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(TIMEOUT_S) == 0


def connect(port: int, data: bytes) -> socket.socket:
    one = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
    with suppress(ConnectionError):
        one.sendall(data)
    return one


def until_closed(one: socket.socket) -> None:
    """Wait until the other side has closed the connection, whether or not it answers before."""
    try:
        while one.recv(1 << 16):
            pass
    except ConnectionError:
        pass
    one.close()


def test_what_is_no_request_is_told_in_one_line_whatever_it_is(served: Served) -> None:
    for data in NO_REQUESTS.values():
        one = connect(served.port, data)
        with suppress(OSError):  # it may have been refused before all was sent
            one.shutdown(socket.SHUT_WR)
        until_closed(one)
        connect(served.port, data).close()  # and who does not wait for the answer
    assert served.answers()
    told = served.log.read_text()
    assert told.count("\n") == 1
    assert re.match(r"vshm: 127\.0\.0\.1 sent a malformed request: .{1,100}\n", told)
    assert told.rstrip("\n").isprintable()


@contextmanager
def crowd(port: int, data: bytes) -> Iterator[list[socket.socket]]:
    with ExitStack() as ends:
        yield [ends.enter_context(connect(port, data)) for _ in range(CROWD)]


@pytest.mark.parametrize("data", [b"", HALF], ids=["silent", "half a request"])
def test_a_crowd_that_asks_for_nothing_keeps_nobody_out(served: Served, data: bytes) -> None:
    before = served.descriptors()
    with crowd(served.port, data):
        assert served.answers()
        wait_until(lambda: served.descriptors() < before + FEW, "the oldest are gone")
    wait_until(lambda: served.descriptors() <= before + 1, "all are gone")


def test_cameras_clients_come_in_beside_a_crowd(ring: str) -> None:
    async def look(port: int) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{port}/") as one:
            await one.ping()

    with WebSocketServer("127.0.0.1", 0, [ring]) as server:
        before = descriptors(os.getpid())
        with crowd(server.port, HALF):
            asyncio.run(look(server.port))
            wait_until(lambda: descriptors(os.getpid()) < before + CROWD + FEW, "the oldest are gone")


@pytest.fixture
def exporter() -> Iterator[int]:
    """Of pages that no connection holds, and short times; its port."""

    def page(environ: object, start_response: object) -> list[bytes]:
        start_response("200 OK", [])  # type: ignore[operator]
        return [bytes(100 << 20)]

    with ExportServer("127.0.0.1", 0, page, longest_s=0.2) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


@pytest.mark.parametrize("data", [b"", HALF, b"GET / HTTP/1.0\r\n\r\n"], ids=["silent", "half", "slow reader"])
def test_no_connection_to_an_exporter_lasts(exporter: int, data: bytes) -> None:
    one = connect(exporter, data)
    if data.endswith(b"\r\n\r\n"):
        wait_until(lambda: not is_open(one), "it is ended while its answer is on its way")
    until_closed(one)


def test_who_sends_a_little_now_and_then_does_not_last_either(exporter: int) -> None:
    one = connect(exporter, HALF)
    wait_until(lambda: not is_open(one), "it is ended")
    one.close()


def is_open(one: socket.socket) -> bool:
    try:
        one.sendall(b"a")
    except ConnectionError:
        return False
    return True


def test_no_connection_to_a_page_lasts_but_a_websocket_does() -> None:
    async def live(request: web.Request) -> web.StreamResponse:
        one = web.WebSocketResponse()
        await one.prepare(request)
        with request.app[DOOR].staying(request):
            async for message in one:
                await one.send_str(str(message.data))
        return one

    async def look() -> str:
        app = web.Application()
        app.router.add_get("/live", live)
        async with Door(app, print, longest_s=0.2) as door, aiohttp.ClientSession() as session:
            port = await door.open("127.0.0.1", 0)
            async with session.ws_connect(f"http://127.0.0.1:{port}/live") as stays:
                for data in (b"", HALF):
                    await asyncio.to_thread(until_closed, connect(port, data))
                one = connect(port, HALF)
                await asyncio.to_thread(wait_until, lambda: not is_open(one), "it is ended")
                one.close()
                await stays.send_str("still here")
                return await stays.receive_str()

    assert asyncio.run(asyncio.wait_for(look(), TIMEOUT_S)) == "still here"


def test_a_line_comes_once_a_minute_with_the_number_of_those_before() -> None:
    said: list[str] = []
    every = Seldom(said.append, every_s=0.0)
    every("one")
    every("two")
    seldom = Seldom(said.append)
    for number in range(5):
        seldom(f"{number}")
    assert said == ["one", "two", "0"]
    seldom._next_s = 0.0
    seldom("the next minute")
    assert said[3:] == ["the next minute; 4 such lines before were left out"]
