# SPDX-License-Identifier: Apache-2.0
"""Serves a web application so that no client can use up all descriptors, all time, or the log.

A connection may last for a limited time, with any number of requests. Only one that became a WebSocket may stay longer.
If there are too many connections, the oldest of the others are closed.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from ..commandline.rate_limited_log import Seldom, first_line, in_a_line
from ..errors import VideoShmError

MOST_PASSING = 64  # connections beside those that stay
LONGEST_S = 20.0  # of a connection that does not stay
LOOK_EVERY_S = 1.0
END_S = 2.0
DOOR: web.AppKey[Door] = web.AppKey("door")  # stored in the application


class _Complaints(logging.Handler):
    """Shortens the log of aiohttp, which has a traceback for each malformed request."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        who = record.args[0] if isinstance(record.args, tuple) and record.args else "somebody"
        if isinstance(error, HttpProcessingError):
            self._say(f"{who} sent a malformed request: {first_line(error.message)}")
        elif isinstance(error, Exception) and not isinstance(error, ConnectionError):  # else the client has left
            self._say(f"a request of {who} failed: {in_a_line(error)}")


class Door:
    """The server, an asynchronous context manager. It calls say with a line about strangers, once a minute at most."""

    def __init__(self, app: web.Application, say: Callable[[str], None], longest_s: float = LONGEST_S) -> None:
        self._say = Seldom(say)
        self._longest_s = longest_s
        self._since_s: dict[web.RequestHandler, float] = {}
        self._staying: set[object] = set()
        app[DOOR] = self
        logger = logging.Logger("aiohttp", logging.ERROR)
        logger.addHandler(_Complaints(self._say))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=END_S, logger=logger)
        self._listening: asyncio.Server | None = None
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Door:
        await self._runner.setup()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watching is not None:
            self._watching.cancel()
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()

    async def open(self, host: str, port: int) -> int:
        """Start to listen, and return the port. Raises OSError if the address is in use, or not of this machine.

        Raises VideoShmError if no descriptor is left.
        """
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_loop_error)
        try:
            if host == "::" and socket.has_dualstack_ipv6():  # asyncio would let nobody in by IPv4
                both = socket.create_server((host, port), family=socket.AF_INET6, dualstack_ipv6=True)
                self._listening = await loop.create_server(self._meet, sock=both)
            else:
                self._listening = await loop.create_server(self._meet, host, port)
        except OSError as error:
            if error.errno is not None:
                raise
        if self._listening is None or not self._listening.sockets:
            raise await _why_nowhere(host, port)
        self._watching = asyncio.create_task(self._watch())
        return int(self._listening.sockets[0].getsockname()[1])

    @contextmanager
    def staying(self, request: web.Request) -> Iterator[None]:
        """Let the connection of this request stay as long as the block lasts."""
        self._staying.add(request.protocol)
        try:
            yield
        finally:
            self._staying.discard(request.protocol)

    def _passing(self) -> list[web.RequestHandler]:
        """Return the connections that do not stay, oldest first."""
        server = self._runner.server
        return [one for one in server.connections if one not in self._staying] if server is not None else []

    def _meet(self) -> asyncio.Protocol:
        self._end_oldest(MOST_PASSING - 1)
        assert self._runner.server is not None
        return self._runner.server()

    def _end_oldest(self, most: int) -> None:
        passing = self._passing()
        for one in passing[: max(0, len(passing) - most)]:
            _end(one)

    async def _watch(self) -> None:
        while True:
            now_s = time.monotonic()
            self._since_s = {one: self._since_s.get(one, now_s) for one in self._passing()}
            for one, since_s in self._since_s.items():
                if now_s - since_s > self._longest_s:
                    _end(one)
            await asyncio.sleep(min(LOOK_EVERY_S, self._longest_s))

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError):
            loop.default_exception_handler(context)
        elif error.errno in (errno.EMFILE, errno.ENFILE):  # nobody else can connect
            self._end_oldest(len(self._passing()) // 2)
            self._say(f"no descriptor is left for new connections: {error.strerror}; the oldest ones were closed")


async def _why_nowhere(host: str, port: int) -> OSError:
    """Return why asyncio listens at no address of the host.

    It passes over those for which no descriptor is left, since Python 3.13 also over those that are not of this
    machine, and its error has no errno then.
    """
    addresses = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, _, _, _, address = addresses[0]
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.bind(address)
    except OSError as error:
        return error if error.errno not in (errno.EMFILE, errno.ENFILE) else VideoShmError(error.errno)
    return VideoShmError(errno.EMFILE)  # as it was when asyncio tried


def _end(connection: web.RequestHandler) -> None:
    if connection.transport is not None:
        connection.transport.abort()  # without waiting for a client that reads slowly
