# SPDX-License-Identifier: Apache-2.0
"""USB/IP, the kernel's protocol for devices elsewhere: the requests that come in, and the answers that go out.

The layouts are those of the kernel's documentation, usb/usbip_protocol.rst.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

_SUBMIT, _UNLINK, _SUBMITTED, _UNLINKED = 1, 2, 3, 4  # commands and answers
_HEAD_BYTES = 48
_PACKET = struct.Struct(">IIIi")  # offset, length, actual length, status
_ANSWER = struct.Struct(">5Iiiiii8x")
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE, _BUFFER_BYTES = 32, 33, 4 << 20  # a raw picture fits in, so that nobody waits


class Packet(NamedTuple):
    """One packet of an isochronous transfer. status: 0, or a negative errno with which the bus lost it."""

    data: bytes
    status: int = 0


class Request(NamedTuple):
    """A transfer that the kernel wants.

    number: by which it is answered. length: bytes that it has room for, or sends. packets: (offset, length) of each,
    if it is isochronous. setup: the 8 bytes of a control transfer. data: what it sends.
    """

    number: int
    endpoint: int
    length: int
    packets: tuple[tuple[int, int], ...]
    setup: bytes
    data: bytes


class Unlink(NamedTuple):
    """The kernel takes back the request of that number."""

    number: int
    request: int


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

    Every call raises EOFError or OSError once the kernel has let go.
    """

    def __init__(self, end: socket.socket, isochronous: frozenset[int]) -> None:
        self._socket = end
        self._isochronous = isochronous

    def fileno(self) -> int:
        """Return the descriptor that is readable when a command is there."""
        return self._socket.fileno()

    def close(self) -> None:
        """Unplug the device. A second call does nothing."""
        self._socket.close()

    def receive(self) -> Request | Unlink:
        """Return the kernel's next command; blocks until it is there."""
        head = self._read(_HEAD_BYTES)
        command, number, _, incoming, endpoint = struct.unpack_from(">5I", head)
        if command == _UNLINK:
            return Unlink(number, *struct.unpack_from(">I", head, 20))
        if command != _SUBMIT:
            raise OSError(errno.EPROTO, f"a command of USB/IP that is unknown: {command}")
        length, _, count = struct.unpack_from(">iii", head, 24)
        data = self._read(length) if not incoming and length > 0 else b""
        packets: tuple[tuple[int, int], ...] = ()
        if endpoint in self._isochronous:  # the count means nothing in other transfers
            table = self._read(_PACKET.size * count)
            packets = tuple((offset, size) for offset, size, _, _ in _PACKET.iter_unpack(table))
        return Request(number, endpoint, length, packets, head[40:], data)

    def answer(self, request: Request, data: bytes = b"", status: int = 0) -> None:
        """Answer a transfer that is not isochronous: with data, with a negative errno, or that its own data came in."""
        data = b"" if status else data[: request.length]
        length = len(data) or (0 if status else len(request.data))
        self._send(request.number, status, length, data)

    def answer_packets(self, request: Request, packets: Sequence[Packet], status: int = 0) -> None:
        """Answer an isochronous transfer with its first packets; the others stay empty. status: of the whole."""
        table = []
        for at, (offset, length) in enumerate(request.packets):
            data, failed = packets[at] if at < len(packets) else (b"", 0)
            table.append(_PACKET.pack(offset, length, len(data), failed))
        data = b"".join(packet.data for packet in packets)
        errors = sum(packet.status != 0 for packet in packets)
        self._send(request.number, status, len(data), data + b"".join(table), len(table), errors)

    def answer_unlink(self, command: Unlink, found: bool) -> None:
        """Say whether the request had still been waiting; if so, it gets no other answer."""
        status = -errno.ECONNRESET if found else 0
        self._socket.sendall(struct.pack(">5Ii24x", _UNLINKED, command.number, 0, 0, 0, status))

    def _send(self, number: int, status: int, length: int, data: bytes, packets: int = 0, errors: int = 0) -> None:
        self._socket.sendall(_ANSWER.pack(_SUBMITTED, number, 0, 0, 0, status, length, 0, packets, errors) + data)

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return bytes(data)
