# SPDX-License-Identifier: Apache-2.0
"""The process of a camera: it is plugged in, serves the kernel, and does what it is told through a socket."""

from __future__ import annotations

import json
import math
import os
import select
import socket
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from .books import BookKeeper
from .configuration import isochronous_endpoints
from .device import CameraDevice, Model
from .faults import FaultError, Faults
from .usbip import Link, pair
from .vhci import attach

CONTROL, BOOKS = "control", "books.jsonl"  # in the camera's folder
UNPLUG, PLUG, CLEAR, QUIT = "unplug", "plug", "clear", "quit"
COMMANDS = {
    UNPLUG: "pull the plug",
    PLUG: "plug in again, at the same port; plug=PORT: at another one",
    CLEAR: "end all faults",
    QUIT: "pull the plug and end",
}
_MOST_BYTES = 4096  # of a command
_PORT_FREE_WITHIN_S, _LOOK_EVERY_S = 10.0, 0.05  # the kernel takes a moment to let go of a device that was unplugged


class Camera:
    """A camera and where it is plugged in. plug_in: as vhci.attach; it is given the kernel's end and a port or None."""

    def __init__(
        self,
        model: Model,
        books: BookKeeper,
        port: int | None = None,
        plug_in: Callable[[socket.socket, int | None], int] = attach,
    ) -> None:
        self.faults = Faults()
        self.port = port
        self.device: CameraDevice | None = None
        self.link: Link | None = None
        self._model, self._books, self._plug_in = model, books, plug_in

    def plug(self, port: int | None = None) -> None:
        """Plug in, unless it is: at a port, else at the last one, else at any free one. Raises OSError."""
        if self.link is not None:
            return
        ours, theirs = pair()
        try:
            self.port = self._attached(theirs, self.port if port is None else port)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.link = Link(ours, isochronous_endpoints(self._model.design))
        self.device = CameraDevice(self._model, self.link, self.faults, self._books)
        self._books.event("plugged", port=self.port)

    def _attached(self, theirs: socket.socket, port: int | None) -> int:
        until_s = time.monotonic() + _PORT_FREE_WITHIN_S
        while True:
            try:
                return self._plug_in(theirs, port)
            except OSError:
                if time.monotonic() > until_s or self.port is None:
                    raise
            time.sleep(_LOOK_EVERY_S)

    def unplug(self, why: str = "unplugged") -> None:
        """Pull the plug, if it is plugged in."""
        if self.link is None or self.device is None:
            return
        self.link.close()
        self.device.unplugged()
        self.link = self.device = None
        self._books.event(why)

    def do(self, words: str) -> dict[str, Any]:
        """Do what a command says, and return the answer to it. Raises FaultError or OSError."""
        name, _, value = words.partition("=")
        if name == PLUG:
            self.plug(_port(value))
        elif words == UNPLUG:
            self.unplug()
        elif words == CLEAR:
            self.faults.clear()
        else:
            self._set(name, value or "1")
        return {"port": self.port, "plugged": self.link is not None}

    def _set(self, name: str, value: str) -> None:
        if name == "lost-packet" and self._model.design.bulk:
            raise FaultError(f"{name}: bulk transfers are repeated until they have arrived")
        self.faults.set(name, value)
        self._books.event("fault", fault=name, value=value)


def _port(value: str) -> int | None:
    if value and not value.isdecimal():
        raise FaultError(f"plug={value}: a port's number")
    return int(value) if value else None


class Server:
    """Serves the kernel and those who give commands, until one says quit or standard input, if it is a pipe, ends."""

    def __init__(self, camera: Camera, folder: Path) -> None:
        self._camera, self._path = camera, folder / CONTROL
        self._path.unlink(missing_ok=True)
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._door.bind(str(self._path))
        self._door.listen()
        self._guests: dict[int, socket.socket] = {}
        self._ends_with_input = stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode) if sys.stdin else False

    def run(self) -> None:
        """Serve."""
        try:
            while self._turn():
                pass
        finally:
            self._camera.unplug()
            self._path.unlink(missing_ok=True)

    def _turn(self) -> bool:
        """Wait for what comes next, and do it. Returns whether to go on."""
        camera, poll = self._camera, select.poll()
        link, wait_s = camera.link, math.inf
        readers = [self._door.fileno(), *self._guests, *([0] if self._ends_with_input else [])]
        if camera.device is not None and link is not None:
            with suppress(OSError):
                wait_s = camera.device.tick()
            readers.append(link.fileno())
        for descriptor in readers:
            poll.register(descriptor, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(None if wait_s == math.inf else wait_s * 1000)}
        if link is not None and link.fileno() in ready:
            self._serve_kernel()
        if self._door.fileno() in ready:
            guest, _ = self._door.accept()
            self._guests[guest.fileno()] = guest
        return 0 not in ready and all(self._serve_guest(each) for each in ready & self._guests.keys())

    def _serve_kernel(self) -> None:
        try:
            assert self._camera.device is not None
            self._camera.device.receive()
        except (EOFError, OSError):
            self._camera.unplug("let-go")

    def _serve_guest(self, descriptor: int) -> bool:
        """Do what one says. Returns False if it is to quit."""
        guest = self._guests[descriptor]
        with suppress(OSError):
            words = guest.recv(_MOST_BYTES).decode(errors="replace")
            if words:
                answer: dict[str, Any] = {}
                try:
                    answer = {} if words == QUIT else self._camera.do(words)
                except (FaultError, OSError) as error:
                    answer = {"error": str(error)}
                guest.send(json.dumps(answer).encode())
                return words != QUIT
        guest.close()
        del self._guests[descriptor]
        return True


def tell(path: Path, words: str, patience_s: float) -> dict[str, Any]:
    """Give one command to a camera's socket, and return the answer. Raises OSError, or FaultError if it was refused."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.settimeout(patience_s)
        line.connect(str(path))
        line.send(words.encode())
        answer: dict[str, Any] = json.loads(line.recv(_MOST_BYTES) or b'{"error": "the camera has ended"}')
    if "error" in answer:
        raise FaultError(answer["error"])
    return answer
