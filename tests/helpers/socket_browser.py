# SPDX-License-Identifier: Apache-2.0
"""Receives what vshm serve sends to a browser, without a browser."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from serving import Server, in_session
from vshm import TIMEOUT_S

from vshm_ctypes.cli.web.showing import HEADER


class Browser:
    """The messages that came over one WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.told: list[dict[str, Any]] = []
        self.pictures: list[tuple[tuple[int, ...], bytes]] = []

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            message = await self.socket.receive(TIMEOUT_S)
            if message.type == aiohttp.WSMsgType.BINARY:
                self.pictures.append((HEADER.unpack_from(message.data), message.data[HEADER.size :]))
            else:
                assert message.type == aiohttp.WSMsgType.TEXT, message
                self.told.append(json.loads(message.data))

    @property
    def got(self) -> int:
        """Return the messages of the stream."""
        return len(self.pictures)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.told if one["type"] == kind]

    @property
    def said(self) -> str:
        """Return the text that the page would show now."""
        told = self.of("state")
        return str(told[-1]["text"]) if told else ""

    @property
    def states(self) -> list[str]:
        return [one["state"] for one in self.of("state")]


def browse(server: Server, query: str, look: Callable[[Browser], Awaitable[None]]) -> Browser:
    async def connect(session: aiohttp.ClientSession) -> Browser:
        async with session.ws_connect(server.url(f"/live{query}"), max_msg_size=0) as socket:
            browser = Browser(socket)
            await look(browser)
            return browser

    result: Browser = in_session(connect)
    return result
