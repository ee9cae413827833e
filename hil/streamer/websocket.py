# SPDX-License-Identifier: Apache-2.0
"""Serves the streams over WebSocket. Each message is one access unit, followed by its timestamp.

ws://host:8765/ is the first channel, ?channel=NAME another one. ?channel=N, from 0 to 255, asks for the newer message,
which has the channel's number as a byte in front. The timestamp is the wall clock at capture in 8 bytes, little-endian,
in ms since the epoch. Every client is an ordinary reader of the ring, in a thread of its own: it starts at a keyframe,
a slow one skips to the next keyframe and its missed frames are counted, and it delays neither the camera nor other
clients.
"""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiohttp import web

from vshm_ctypes import Consumer, ProducerNotRunning, VideoShmError, ring_name
from vshm_ctypes.commandline.output import describe
from vshm_ctypes.serving.client_limits import DOOR, Door
from vshm_ctypes.serving.event_loop import run as run_loop
from vshm_ctypes.serving.listen_address import listening
from vshm_ctypes.serving.sender import Gone, sender

from .channels import ChannelError
from .log import LOG

TIMESTAMP = struct.Struct("<Q")
WAIT_S = 0.2
HEARTBEAT_S = 10.0
MOST_CLIENTS = 64
MOST_CHANNEL = 255  # the largest that a byte can hold
LONGEST_REASON = 120  # bytes; a close frame has room for 123
LONGEST_MESSAGE = 4096  # bytes of a message from a client, which is ignored
POLICY_VIOLATION, GOING_AWAY, TRY_AGAIN_LATER = 1008, 1001, 1013


@dataclass(slots=True)
class Served:
    """Counts of all clients so far. sent, missed: frames."""

    clients: int = 0
    sent: int = 0
    missed: int = 0


def address(text: str) -> tuple[str, int]:
    """Parse [HOST:]PORT. Without a host only this machine is served. Raises ChannelError."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise ChannelError(f"{text}: [HOST:]PORT, such as 8765, or 0.0.0.0:8765 for other machines too")
    return host.strip("[]") or "127.0.0.1", int(port)


def is_number(channel: str | None) -> bool:
    """Return whether the channel was asked for by number."""
    return channel is not None and channel.isascii() and channel.isdigit()


def head_of(channel: str | None) -> bytes:
    """Return the bytes in front of each access unit: the channel's number in the newer message, else nothing."""
    return bytes([int(channel)]) if channel is not None and is_number(channel) else b""


class WebSocketServer:
    """Serves rings from a thread of its own; a context manager. rings: all channels; the first is the default.

    served: the counts so far. Raises OSError if the address is in use.
    """

    def __init__(self, host: str, port: int, rings: Sequence[str]) -> None:
        self.served = Served()
        self._rings = tuple(rings)
        self._host = host
        self._clients: set[web.WebSocketResponse] = set()
        self._lock = threading.Lock()
        self._over = asyncio.Event()
        self._started: Future[int] = Future()
        self._thread = threading.Thread(target=self._run, args=(port,), name="websocket", daemon=True)
        self._thread.start()
        self.port = self._started.result()
        LOG.info("serving at ws://%s:%d/", host, self.port)

    def close(self) -> None:
        """Send a close frame to all clients, and stop. A second call does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- on the server's thread ----

    def _run(self, port: int) -> None:
        try:
            run_loop(lambda: self._serve(port))
        except Exception as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _serve(self, port: int) -> None:
        self._loop = asyncio.get_running_loop()
        app = web.Application()
        app.router.add_get("/", self._answer)
        async with Door(app, LOG.warning) as door:
            try:
                with listening(self._host, port, "--websocket"):
                    taken = await door.open(self._host, port)
                self._started.set_result(taken)
            except OSError as error:
                self._started.set_exception(error)
                return
            await self._over.wait()
            for client in list(self._clients):
                await client.close(code=GOING_AWAY, message=b"camera-streamer has ended")

    def _ring(self, channel: str | None) -> str | None:
        try:
            if channel is not None and is_number(channel) and int(channel) > MOST_CHANNEL:
                return None  # the message has one byte for the number
            ring = self._rings[0] if channel is None else ring_name(channel)
        except ValueError:
            return None
        return ring if ring in self._rings else None

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        client = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=LONGEST_MESSAGE, compress=False)
        if not client.can_prepare(request):
            return web.Response(
                status=426, text="this is a WebSocket: open ws://...\n", headers={"Upgrade": "websocket"}
            )
        await client.prepare(request)
        channel = request.query.get("channel")
        ring = self._ring(channel)
        if ring is None:
            reason = f"no channel {channel}"[:40] + f"; there are {', '.join(self._rings)}"
            await client.close(code=POLICY_VIOLATION, message=reason.encode()[:LONGEST_REASON])
            return client
        if len(self._clients) >= MOST_CLIENTS:
            await client.close(code=TRY_AGAIN_LATER, message=f"{MOST_CLIENTS} clients are there already".encode())
            return client
        with request.app[DOOR].staying(request):
            await self._serve_client(client, ring, head_of(channel), request.remote)
        return client

    async def _serve_client(self, client: web.WebSocketResponse, ring: str, head: bytes, who: str | None) -> None:
        """Serve a client until it leaves."""
        self._clients.add(client)
        over = threading.Event()
        send = sender(client)
        what = (ring, lambda message: send(head + message), over, who)
        sending = threading.Thread(target=self._send, args=what, daemon=True)
        sending.start()
        try:
            async for _ in client:
                pass
        finally:
            self._clients.discard(client)
            over.set()
            await asyncio.to_thread(sending.join)

    # ---- on each client's thread ----

    def _send(self, ring: str, send: Callable[[bytes], None], over: threading.Event, who: str | None) -> None:
        self._count(Served(clients=1))
        own = Served()
        try:
            while not over.is_set():
                try:
                    self._follow(ring, send, over, own)
                except ProducerNotRunning:  # there is no picture yet: the ring is created with the first one
                    over.wait(WAIT_S)
        except Gone:
            pass
        except VideoShmError as error:
            LOG.warning("client %s: %s", who, describe(error))
        self._count(own)
        LOG.info("client %s of %s: %d frames sent, %d missed", who, ring, own.sent, own.missed)

    @staticmethod
    def _follow(ring: str, send: Callable[[bytes], None], over: threading.Event, own: Served) -> None:
        with Consumer(ring, start="keyframe", resync=True, reconnect=True) as stream:
            while not over.is_set():
                frame = stream.receive(WAIT_S)
                if frame is not None:
                    own.missed += frame.missed_before
                    send(frame.data + TIMESTAMP.pack(frame.timestamp_ms))
                    own.sent += 1

    def _count(self, own: Served) -> None:
        with self._lock:
            self.served.clients += own.clients
            self.served.sent += own.sent
            self.served.missed += own.missed
