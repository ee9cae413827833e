# SPDX-License-Identifier: Apache-2.0
"""vshm demo: streams a moving test picture, and serves the page that plays it, until it is told to end."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import threading
import time
import webbrowser
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import IO

from ..commandline.child import end_child
from ..commandline.ending import held
from ..commandline.output import complain, print_json, tell
from ..commandline.own_module import own_module
from ..commandline.scratch import open_scratch
from ..commandline.verb import Exit, add_ring_argument, port
from ..errors import VideoShmError
from ..inspect import inspect
from ..printable import shell_word
from ..rings import ring_name
from ..serving.event_loop import run as run_loop
from .serve import DEFAULT_PORT, serve_page

# A separate process, as for any camera; this one is its first reader.
STREAMER = ("hil.streamer", "--device", "testsrc")
HOST = "127.0.0.1"
NEEDED = ("aiohttp", "av", "numpy", "hil")
LOOK_EVERY_S = 0.05
PATIENCE_S = 10.0  # for the streamer to remove its ring
_PR_SET_PDEATHSIG = 1


def add_arguments(parser: ArgumentParser) -> None:
    add_ring_argument(parser)
    parser.add_argument("--port", type=port, help=f"port of the page (default: {DEFAULT_PORT}, or any free one)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address of the page")


@contextmanager
def streaming(ring: str, said: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Run camera-streamer with its test picture, and its log in said. Enter and leave this within held()."""
    libc = ctypes.CDLL(None)

    def end_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)

    with subprocess.Popen(
        own_module(*STREAMER, "--channel", ring),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=said,
        start_new_session=True,  # so that Ctrl-C reaches only this process
        preexec_fn=end_with_parent,
    ) as streamer:
        try:
            yield streamer
        finally:
            end_child(streamer, PATIENCE_S)


def _untold(ring: str, code: int) -> str:
    alone = " ".join(("camera-streamer", *STREAMER[1:], "--channel", shell_word(ring)))
    return f"camera-streamer has ended with exit code {code}, and not a word of it could be kept: {alone} tells why"


def is_written(ring: str, writer: int) -> bool:
    """Return whether the process with pid writer has written a picture into the ring."""
    try:
        info = inspect(ring)
    except VideoShmError:
        return False
    return info.writer_pid == writer and info.frames > 0


def open_browser(url: str) -> None:
    """Open url, but only if there is a screen or $BROWSER is set: a text browser would take over the terminal."""
    if any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")):
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()  # some browsers take long to start


def _free_port() -> int:
    """Return the default port, or 0 for any free one if it is in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, DEFAULT_PORT))
        except OSError:
            return 0
    return DEFAULT_PORT


def _show(arguments: Namespace) -> None:
    def tell_where(url: str) -> None:
        if arguments.json:
            print_json({"url": url, "ring": arguments.ring})
        else:
            tell(f"{arguments.ring} is shown at {url}")
            tell("Ctrl-C ends it", flush=True)
        if not arguments.no_browser:
            open_browser(url)

    from .web.app import make_app

    number = _free_port() if arguments.port is None else arguments.port
    run_loop(lambda: serve_page(make_app(None), HOST, number, tell_where))


def run(arguments: Namespace) -> int:
    """Return exit code 0 after Ctrl-C or SIGTERM, or 1 if a package is missing or the ring has another writer."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        complain(f"demo needs {', '.join(missing)}: pip install 'video-shm[demo]'")
        return Exit.FINDING
    arguments.ring = ring_name(arguments.ring)
    with (
        held() as hold,
        open_scratch("vshm demo") as said,
        streaming(arguments.ring, said) as streamer,
        hold.lifted(),
    ):
        while not is_written(arguments.ring, streamer.pid):
            if streamer.poll() is not None:
                said.seek(0)
                complain(said.read().decode(errors="replace").strip() or _untold(arguments.ring, streamer.returncode))
                return Exit.FINDING
            time.sleep(LOOK_EVERY_S)
        _show(arguments)
    return Exit.HEALTHY
