# SPDX-License-Identifier: Apache-2.0
"""Where strangers come in: a web application of which no client takes all descriptors, time or lines of the log.

A connection is ours for a while, for as many requests as it brings then; only those that are told to stay, since
they became a WebSocket, are there for longer. Where there are too many, the oldest of the others leave.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from ..commandline.seldom import Seldom, first_line, in_a_line
from ..errors import VideoShmError

MOST_PASSING = 64  # connections, beside those that stay
LONGEST_S = 20.0  # of a connection that does not stay, whatever it does or waits for
LOOK_EVERY_S = 1.0
END_S = 2.0
DOOR: web.AppKey[Door] = web.AppKey("door")  # of the application that is served


class _Complaints(logging.Handler):
    """Of aiohttp, which logs a traceback for each request that is none."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        who = record.args[0] if isinstance(record.args, tuple) and record.args else "somebody"
        if isinstance(error, HttpProcessingError):
            self._say(f"{who} sent what is no request: {first_line(error.message)}")
        elif isinstance(error, Exception) and not isinstance(error, ConnectionError):  # else it has left
            self._say(f"a request of {who} failed: {in_a_line(error)}")


class Door:
    """An asynchronous context manager, in the loop that serves. say: takes a line about strangers, once a minute."""

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
        """Let them in; the port. Raises OSError: the address is taken; VideoShmError: there is no descriptor for it."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_loop_error)
        try:
            self._listening = await loop.create_server(self._meet, host, port)
        except OSError as error:
            if error.errno is not None:
                raise
        # Addresses for which there is no descriptor are passed over; from Python 3.13 on the error has no errno then.
        if self._listening is None or not self._listening.sockets:
            raise VideoShmError(errno.EMFILE)
        self._watching = asyncio.create_task(self._watch())
        return int(self._listening.sockets[0].getsockname()[1])

    @contextmanager
    def staying(self, request: web.Request) -> Iterator[None]:
        """Its connection may last, as long as the block does."""
        self._staying.add(request.protocol)
        try:
            yield
        finally:
            self._staying.discard(request.protocol)

    def _passing(self) -> list[web.RequestHandler]:
        """Those that do not stay, oldest first."""
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
        elif error.errno in (errno.EMFILE, errno.ENFILE):  # nobody can come in
            self._end_oldest(len(self._passing()) // 2)
            self._say(f"no descriptor is left for who comes: {error.strerror}; the oldest connections are closed")


def _end(connection: web.RequestHandler) -> None:
    if connection.transport is not None:
        connection.transport.abort()  # what is still on its way to who reads slowly is not waited for
