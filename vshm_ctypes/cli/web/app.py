# SPDX-License-Identifier: Apache-2.0
"""The web application: the page, and a WebSocket for each stream that a browser shows."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from pathlib import Path

from aiohttp import WSMsgType, web

from ...rings import ring_name
from ...serving.client_limits import DOOR
from ...serving.sender import sender
from .access import guard
from .overview import Overview
from .showing import Form
from .viewer import Viewer

STATIC = Path(__file__).parent / "static"
FILES = {path.name: path for path in STATIC.iterdir()}
MOST_VIEWERS = 64  # a page with tiles of all rings has one for each ring
HEARTBEAT_S = 10.0
LONGEST_MESSAGE = 4096  # of messages from browsers
TRY_AGAIN_LATER = 1013
ALIVE = json.dumps({"type": "alive"})
OVERVIEW: web.AppKey[Overview] = web.AppKey("overview", Overview)
VIEWERS: web.AppKey[dict[web.WebSocketResponse, Viewer | None]] = web.AppKey("viewers", dict)  # None: overview only


async def _index(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(FILES["index.html"])


async def _file(request: web.Request) -> web.StreamResponse:
    if request.match_info["name"] not in FILES:
        raise web.HTTPNotFound
    return web.FileResponse(FILES[request.match_info["name"]])


def _viewer(request: web.Request, socket: web.WebSocketResponse) -> Viewer | None:
    """Return a viewer of the requested ring, or None if none was requested. Raises ValueError for an invalid name."""
    if "ring" not in request.query:
        return None
    form: Form = "mp4" if request.query.get("form") == "mp4" else "frames"
    needs_idr = request.query.get("entry") == "idr"
    ring, tells = ring_name(request.query["ring"]), request.query.get("tells") == "got"
    return Viewer(ring, form, needs_idr, sender(socket), name=request.remote or "?", tells=tells)


async def _tell_overview(socket: web.WebSocketResponse, overview: Overview, brief: bool) -> None:
    """Send the overview each second. With brief, only a sign of life: another socket of the page gets the rest."""
    while True:
        told = await overview.next()
        await socket.send_str(ALIVE if brief else told)


async def _listen(socket: web.WebSocketResponse, viewer: Viewer | None) -> None:
    """Handle messages until the browser leaves: it asks for our time, to compute latencies, and acknowledges frames."""
    async for message in socket:
        if message.type != WSMsgType.TEXT:
            continue
        with contextlib.suppress(ValueError, TypeError, KeyError, OverflowError, RecursionError):
            told = json.loads(message.data)
            if "got" not in told:
                pong = {"type": "pong", "ping_ms": float(told["ping_ms"]), "monotonic_ms": time.monotonic_ns() / 1e6}
                await socket.send_json(pong)
            elif viewer is not None:
                viewer.got(int(told["got"]), int(told["skipped"]))


async def _live(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=LONGEST_MESSAGE, compress=False)
    if not socket.can_prepare(request):  # tells the page that a proxy passes no WebSockets on
        return web.Response(status=426, text="a WebSocket is required\n", headers={"Upgrade": "websocket"})
    await socket.prepare(request)
    if len(request.app[VIEWERS]) >= MOST_VIEWERS:  # accepted, since a refusal can't give a reason
        reason = f"{MOST_VIEWERS} streams are shown already: close a page"
        await socket.close(code=TRY_AGAIN_LATER, message=reason.encode())
        return socket
    try:
        viewer = _viewer(request, socket)
    except ValueError as error:
        viewer = None
        await socket.send_json({"type": "state", "state": "error", "text": f"{error}"})
    with request.app[DOOR].staying(request):
        await _serve(request.app, socket, viewer, "brief" in request.query)
    return socket


async def _serve(app: web.Application, socket: web.WebSocketResponse, viewer: Viewer | None, brief: bool) -> None:
    """Serve a WebSocket until the browser leaves."""
    app[VIEWERS][socket] = viewer
    telling = asyncio.create_task(_tell_overview(socket, app[OVERVIEW], brief))
    thread = threading.Thread(target=viewer.run, name="vshm-viewer", daemon=True) if viewer else None
    if thread is not None:
        thread.start()
    try:
        await _listen(socket, viewer)
    finally:
        del app[VIEWERS][socket]
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await telling
        if viewer is not None and thread is not None:
            viewer.close()
            await asyncio.to_thread(thread.join)


async def _say_goodbye(app: web.Application) -> None:
    for socket in tuple(app[VIEWERS].keys()):
        await socket.close(code=1001, message=b"vshm serve has ended")


def make_app(token: str | None) -> web.Application:
    """Make the application. token is what a browser must send, or None if only this machine can reach us."""
    app = web.Application(middlewares=[guard(token)])
    viewers: dict[web.WebSocketResponse, Viewer | None] = {}
    app[VIEWERS] = viewers
    app[OVERVIEW] = Overview(lambda: [viewer.counts for viewer in viewers.values() if viewer is not None])
    app.router.add_get("/", _index)
    app.router.add_get("/live", _live)
    app.router.add_get("/static/{name}", _file)
    app.on_shutdown.append(_say_goodbye)
    return app
