# SPDX-License-Identifier: Apache-2.0
"""Hands the packets of pictures to the transfers that the kernel keeps waiting for them."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from .books import GIVEN_UP, BookKeeper, Picture
from .faults import Faults
from .usbip import Link, Packet, Request, take_back


class Entry(NamedTuple):
    """A packet, and the picture that has been sent once it is gone; None: there are more of it."""

    packet: Packet
    completes: Picture | None


class Sender:
    """The video endpoint. bulk: a transfer carries one payload instead of packets. now_ns: CLOCK_MONOTONIC."""

    def __init__(self, link: Link, faults: Faults, books: BookKeeper, bulk: bool, now_ns: Callable[[], int]) -> None:
        self._link, self._faults, self._books, self._bulk, self._now_ns = link, faults, books, bulk, now_ns
        self._waiting: deque[Request] = deque()
        self._entries: deque[Entry] = deque()
        self.pictures = 0  # that have not been sent to the end

    def submit(self, request: Request) -> None:
        """Take a transfer of the kernel's."""
        if self._faults.take("failed-transfer"):
            self._books.event("failed-transfer")
            self._answer(request, [], -errno.EPROTO)
            return
        self._waiting.append(request)
        self.pump()

    def take_back(self, number: int) -> bool:
        """Forget a transfer. Returns whether it was waiting."""
        return take_back(self._waiting, number)

    def add(self, entries: list[Entry]) -> None:
        """Add packets behind those that are there."""
        self._entries += entries
        self.pump()

    def pump(self) -> None:
        """Send what there are transfers for."""
        while self._entries and self._waiting:
            request = self._waiting.popleft()
            count = 1 if self._bulk else len(request.packets)
            entries = [self._entries.popleft() for _ in range(min(count, len(self._entries)))]
            self._answer(request, [entry.packet for entry in entries])
            for entry in entries:
                if entry.completes is not None:
                    self.pictures -= 1
                    self._books.picture(entry.completes._replace(sent_ns=self._now_ns()))

    def clear(self, later: list[Entry]) -> None:
        """Give up what was not sent, as the stream has stopped. later: what was to be added."""
        for entry in [*self._entries, *later]:
            if entry.completes is not None:
                self._books.picture(entry.completes._replace(what=(*entry.completes.what, GIVEN_UP)))
        self._entries.clear()
        self.pictures = 0

    def _answer(self, request: Request, packets: list[Packet], status: int = 0) -> None:
        if self._bulk:
            self._link.answer(request, packets[0].data if packets else b"", status)
        else:
            self._link.answer_packets(request, packets, status)
