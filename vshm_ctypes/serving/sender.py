# SPDX-License-Identifier: Apache-2.0
"""Sends from a thread into a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web


class Gone(Exception):
    """The other side has left."""


def sender(socket: web.WebSocketResponse) -> Callable[[str | bytes], None]:
    """Return a function that sends a message from another thread, and waits until it is on its way.

    The function raises Gone if the other side has left.
    """
    loop = asyncio.get_running_loop()

    def send(message: str | bytes) -> None:
        sending = socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message)
        try:
            asyncio.run_coroutine_threadsafe(sending, loop).result()
        except (OSError, RuntimeError, asyncio.CancelledError) as error:
            raise Gone from error

    return send
