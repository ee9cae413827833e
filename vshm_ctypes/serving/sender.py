# SPDX-License-Identifier: Apache-2.0
"""From a thread into a WebSocket: the thread waits until what it sends is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web


class Gone(Exception):
    """The other side has left."""


def sender(socket: web.WebSocketResponse) -> Callable[[str | bytes], None]:
    """For another thread than the running loop's. What it returns raises Gone."""
    loop = asyncio.get_running_loop()

    def send(message: str | bytes) -> None:
        sending = socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message)
        try:
            asyncio.run_coroutine_threadsafe(sending, loop).result()
        except (OSError, RuntimeError, asyncio.CancelledError) as error:
            raise Gone from error

    return send
