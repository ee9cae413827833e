# SPDX-License-Identifier: Apache-2.0
"""USB/IP, the kernel's protocol for devices elsewhere: the requests that come in, and the answers that go out.

The layouts are those of the kernel's documentation, usb/usbip_protocol.rst.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

_SUBMIT, _UNLINK, _SUBMITTED, _UNLINKED = 1, 2, 3, 4  # commands and answers
_HEAD = struct.Struct(">5IIiiii8s")
_PACKET = struct.Struct(">IIIi")  # offset, length, actual length, status
_ANSWER = struct.Struct(">5Iiiiii8x")
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE, _BUFFER_BYTES = 32, 33, 4 << 20  # a raw picture fits in, so that nobody waits


class Packet(NamedTuple):
    """One packet of an isochronous transfer. status: 0, or a negative errno with which the bus lost it."""

    data: bytes
    status: int = 0


class Request(NamedTuple):
    """A transfer that the kernel wants.

    number: by which it is answered. length: bytes that it has room for, or sends. packets: of each (offset, length, and
    two that the answer fills in), if it is isochronous. setup: the 8 bytes of a control transfer. data: what it sends.
    """

    number: int
    endpoint: int
    length: int
    packets: tuple[tuple[int, ...], ...]
    setup: bytes
    data: bytes


class Unlink(NamedTuple):
    """The kernel takes back the request of that number."""

    number: int
    request: int


def take_back(waiting: deque[Request], number: int) -> bool:
    """Remove the request of that number from those that wait. Returns whether it was there."""
    found = next((request for request in waiting if request.number == number), None)
    if found is None:
        return False
    waiting.remove(found)
    return True


def pair() -> tuple[socket.socket, socket.socket]:
    """Return two connected sockets: the device's end, and the end for the kernel."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    for end in (ours, theirs):
        for option in (_SO_SNDBUFFORCE, _SO_RCVBUFFORCE):
            try:
                end.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
            except PermissionError:  # only root may; the default does, more slowly
                break
    return ours, theirs


class Link:
    """The device's end of the connection. isochronous: the numbers of its isochronous endpoints.

    A microphone has a thousand transfers in a second, so commands are read, and answers sent, many at a time.
    """

    def __init__(self, end: socket.socket, isochronous: frozenset[int]) -> None:
        self._socket = end
        self._isochronous = isochronous
        self._in = b""
        self._out: list[bytes] = []

    def fileno(self) -> int:
        """Return the descriptor that is readable when commands are there."""
        return self._socket.fileno()

    def close(self) -> None:
        """Unplug the device. A second call does nothing."""
        self._socket.close()

    def receive(self) -> list[Request | Unlink]:
        """Return the next commands; blocks until one is there. Raises EOFError or OSError if the kernel has let go."""
        found: list[Request | Unlink] = []
        while not found:
            data = self._socket.recv(_BUFFER_BYTES)
            if not data:
                raise EOFError
            self._in += data
            at = 0
            while (command := self._command(at)) is not None:
                found.append(command[0])
                at = command[1]
            self._in = self._in[at:]
        return found

    def _command(self, at: int) -> tuple[Request | Unlink, int] | None:
        """Return (the command that begins there, where the next one does), or None if it is not there as a whole."""
        if len(self._in) < at + _HEAD.size:
            return None
        command, number, _, incoming, endpoint, first, length, _, count, _, setup = _HEAD.unpack_from(self._in, at)
        at += _HEAD.size
        if command == _UNLINK:
            return Unlink(number, first), at
        if command != _SUBMIT:
            raise OSError(errno.EPROTO, f"a command of USB/IP that is unknown: {command}")
        sent = 0 if incoming else length
        # In other transfers the count of packets means nothing.
        table = _PACKET.size * count if endpoint in self._isochronous else 0
        end = at + sent + table
        if len(self._in) < end:
            return None
        packets = tuple(_PACKET.iter_unpack(self._in[at + sent : end])) if table else ()
        return Request(number, endpoint, length, packets, setup, self._in[at : at + sent]), end

    def answer(self, request: Request, data: bytes = b"", status: int = 0) -> None:
        """Answer a transfer that is not isochronous: with data, with a negative errno, or that its own data came in."""
        data = b"" if status else data[: request.length]
        length = len(data) or (0 if status else len(request.data))
        self._put(request.number, status, length, data)

    def answer_packets(self, request: Request, packets: Sequence[Packet], status: int = 0) -> None:
        """Answer an isochronous transfer with its first packets; the others stay empty. status: of the whole."""
        given = zip(request.packets, packets, strict=False)
        told = [_PACKET.pack(*asked[:2], len(one.data), one.status) for asked, one in given]
        told += [_PACKET.pack(*asked[:2], 0, 0) for asked in request.packets[len(packets) :]]
        data = b"".join([packet.data for packet in packets])
        errors = sum([packet.status != 0 for packet in packets])
        self._put(request.number, status, len(data), data + b"".join(told), len(told), errors)

    def answer_unlink(self, command: Unlink, found: bool) -> None:
        """Say whether the request had still been waiting; if so, it gets no other answer."""
        status = -errno.ECONNRESET if found else 0
        self._out.append(struct.pack(">5Ii24x", _UNLINKED, command.number, 0, 0, 0, status))

    def flush(self) -> None:
        """Send the answers. Raises OSError once the kernel has let go."""
        if self._out:
            out, self._out = self._out, []
            self._socket.sendall(b"".join(out))

    def _put(self, number: int, status: int, length: int, data: bytes, packets: int = 0, errors: int = 0) -> None:
        self._out.append(_ANSWER.pack(_SUBMITTED, number, 0, 0, 0, status, length, 0, packets, errors) + data)
