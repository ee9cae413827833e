# SPDX-License-Identifier: Apache-2.0
"""vshm serve: serves a page that plays the rings of this machine, with everything that is known about them."""

from __future__ import annotations

import asyncio
import secrets
import socket
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..commandline.ending import heeding
from ..commandline.output import complain, print_json
from ..commandline.verb import Exit, port
from ..printable import printable
from ..serving.event_loop import run as run_loop
from ..serving.listen_address import listening

if TYPE_CHECKING:
    from aiohttp import web

DEFAULT_PORT = 8764  # next to 8765 of camera-streamer --websocket, and 9765 of vshm export
SHORTEST_TOKEN = 8


def add_arguments(parser: ArgumentParser) -> None:
    host = "address to listen on (default: 127.0.0.1, this machine); 0.0.0.0: all addresses, which needs a token"
    parser.add_argument("--host", default="127.0.0.1", help=host)
    parser.add_argument(
        "--port", type=port, default=DEFAULT_PORT, help=f"port to listen on (default: {DEFAULT_PORT}); 0: any free one"
    )
    token = "file with the token that browsers must send, instead of a new one at every start"
    parser.add_argument("--token-file", type=Path, metavar="FILE", help=token)


def _token(path: Path | None) -> str:
    """Return the token in the file, or a new one. Raises OSError, and ValueError if the token is unsuitable."""
    if path is None:
        return secrets.token_urlsafe(16)
    token = path.read_text().strip()
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(f"{path}: a token has {SHORTEST_TOKEN} letters or more, and no space")
    return token


def _shown_host(host: str) -> str:
    """Return the host name or address by which others reach this machine, as far as it knows."""
    if host not in ("0.0.0.0", "::"):
        return f"[{host}]" if ":" in host else host
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # sends nothing, but chooses the local address
            return str(probe.getsockname()[0])
    except OSError:
        return printable(socket.gethostname())


async def serve_page(app: web.Application, host: str, port: int, tell: Callable[[str], object]) -> None:
    """Serve the page until the process is told to end. Raises OSError if the address is in use.

    tell is called with the URL once the page can be opened.
    """
    from ..serving.client_limits import Door

    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    with heeding(lambda: loop.call_soon_threadsafe(ended.set)):  # this also wakes the loop
        async with Door(app, complain) as door:
            await loop.run_in_executor(None, int)  # fail now if no thread can be started: threads send the files
            with listening(host, port, "--host and --port"):
                taken = await door.open(host, port)
            tell(f"http://{_shown_host(host)}:{taken}/")
            await ended.wait()


def run(arguments: Namespace) -> int:
    """Return exit code 0 after Ctrl-C or SIGTERM, or 1 if the address is in use or aiohttp is not installed."""
    try:
        from .web.access import is_loopback
        from .web.app import make_app
    except ModuleNotFoundError as error:
        complain(f"serve needs {error.name}: pip install 'video-shm[web]'")
        return Exit.FINDING
    token = None if is_loopback(arguments.host) and arguments.token_file is None else _token(arguments.token_file)

    def tell(address: str) -> None:
        url = address + (f"?token={token}" if token else "")
        print_json({"url": url}) if arguments.json else print(url, flush=True)

    run_loop(lambda: serve_page(make_app(token), arguments.host, arguments.port, tell))
    return Exit.HEALTHY
