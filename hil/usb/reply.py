# SPDX-License-Identifier: Apache-2.0
"""What a control transfer asks for, what is replied, and replies that come late or never."""

from __future__ import annotations

import errno
import math
import struct
from typing import NamedTuple

from .usbip import Link, Request


class Setup(NamedTuple):
    """What a control transfer asks for (USB 2.0, 9.3). target: wIndex. data: what the host sends along."""

    kind: int
    request: int
    value: int
    target: int
    length: int
    data: bytes

    @property
    def standard(self) -> bool:
        """Whether it is one that every device knows."""
        return self.kind & 0x60 == 0

    @property
    def recipient(self) -> int:
        """Whom it is for: 0 the device, 1 an interface, 2 an endpoint."""
        return self.kind & 0x1F

    @property
    def interface(self) -> int:
        """The number of the interface that it is for."""
        return self.target & 0xFF

    @property
    def entity(self) -> int:
        """The number of the terminal or unit that it is for, 0 for the interface as a whole."""
        return self.target >> 8

    @property
    def selector(self) -> int:
        """The control of that entity."""
        return self.value >> 8


def setup_of(request: Request) -> Setup:
    """Return what a control transfer asks for."""
    kind, what, value, target, length = struct.unpack("<BBHHH", request.setup)
    return Setup(kind, what, value, target, length, request.data)


class Reply(NamedTuple):
    """A reply. status: 0 or a negative errno. late_s: how long it takes. never: there is none."""

    data: bytes = b""
    status: int = 0
    late_s: float = 0.0
    never: bool = False


DONE = Reply()
STALL = Reply(status=-errno.EPIPE)
NEVER = Reply(never=True)


def reply_or_stall(data: bytes | None) -> Reply:
    """Return a reply with that data, or STALL for None."""
    return STALL if data is None else Reply(data)


class Replies:
    """Sends replies, and keeps those that are late."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._waiting: dict[int, tuple[float, Request, Reply]] = {}

    def send(self, request: Request, reply: Reply, now_s: float) -> None:
        """Send a reply when it is time for it."""
        if reply.never or reply.late_s:
            at_s = math.inf if reply.never else now_s + reply.late_s
            self._waiting[request.number] = at_s, request, reply
        else:
            self._link.answer(request, reply.data, reply.status)

    def take_back(self, number: int) -> bool:
        """Forget a request. Returns whether it was waiting."""
        return self._waiting.pop(number, None) is not None

    def tick(self, now_s: float) -> float:
        """Send what is due. Returns when the next one is."""
        for number, (at_s, request, reply) in list(self._waiting.items()):
            if at_s <= now_s:
                del self._waiting[number]
                self._link.answer(request, reply.data, reply.status)
        return min((at_s for at_s, _, _ in self._waiting.values()), default=math.inf)
