# SPDX-License-Identifier: Apache-2.0
"""This library: write() into the ring, receive() from it."""

from __future__ import annotations

from vshm_ctypes import Consumer, Producer

from ...workers.shared_memory import SHARED_MEMORY
from ..peer import Buffer, Link, Peer


class VideoShm(Peer):
    """A ring with default options, and frames that own their bytes."""

    name = "video-shm"
    copies = 2
    how = "into the ring, out of it"
    missed: int | None = 0

    def open_to_send(self) -> None:
        # The original ring, unless its slots are too few or too small.
        if self.link.slots:
            self._producer = Producer(self.link.name, slots=self.link.slots, slot_size=self.link.size)
        else:
            self._producer = Producer(self.link.name)

    def open_to_receive(self) -> None:
        self.missed = None if self.link.newest else 0  # what the policy passes over is no loss, and not among them
        self._consumer = Consumer(self.link.name, policy="newest" if self.link.newest else "every")

    def send(self, data: bytearray) -> None:
        self._producer.write(data)

    def receive(self) -> Buffer:
        self._frame = self._consumer.receive()
        assert self._frame is not None  # None is returned only after a timeout
        return self._frame.data

    def release(self) -> bool:
        if self._frame is not None:
            self._count(self._frame.missed_before)
        return True

    def _count(self, missed: int) -> None:
        if self.missed is not None:
            self.missed += missed

    def close(self) -> None:
        (self._consumer if self.link.receiver is not None else self._producer).close()

    @classmethod
    def sweep(cls, link: Link) -> None:
        (SHARED_MEMORY / link.name).unlink(missing_ok=True)
