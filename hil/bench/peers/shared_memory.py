# SPDX-License-Identifier: Apache-2.0
"""Python's own multiprocessing.shared_memory, which brings memory alone: slots with stamps, and a pipe for each reader.

That is what programs build around it: a few slots, of which the writer takes the next, a stamp before and after the
bytes, so that a reader knows whether they are whole, and a byte into a pipe as the wake-up.
"""

from __future__ import annotations

import contextlib
import os
import struct
from multiprocessing import resource_tracker, shared_memory

from ..peer import Buffer, Link, Peer

PAGE = 4096
_STAMP = struct.Struct("<Q")


class SharedMemory(Peer):
    """A reader is told the number of each frame, as eight bytes in its pipe; a full pipe drops what it is told."""

    name = "shared_memory"
    missed = None
    copies = 1
    how = "into a slot"

    def _lay_out(self) -> None:
        self._slots = self.link.kept
        self._stride = PAGE + (self.link.size + PAGE - 1) // PAGE * PAGE

    @property
    def _bytes(self) -> memoryview:
        assert self._memory.buf is not None  # as it is once the memory has been closed
        return self._memory.buf

    def _pipe_of(self, receiver: int) -> str:
        return str(self.link.folder / f"told.{receiver}")

    def open_to_send(self) -> None:
        self._lay_out()
        self._memory = shared_memory.SharedMemory(self.link.name, create=True, size=self._slots * self._stride)
        self._number, self._pipes = 0, dict[int, int]()
        for receiver in range(self.link.receivers):
            os.mkfifo(self._pipe_of(receiver))

    def open_to_receive(self) -> None:
        assert self.link.receiver is not None
        self._lay_out()
        self._memory = shared_memory.SharedMemory(self.link.name)
        # Only its maker may remove it; the tracker would as soon as one of those that attached to it ends.
        resource_tracker.unregister(f"/{self.link.name}", "shared_memory")
        self._ear = os.open(self._pipe_of(self.link.receiver), os.O_RDWR)  # so that it does not wait for the sender
        self._told = list[int]()

    def send(self, data: bytearray) -> None:
        begin = self._number % self._slots * self._stride
        buffer = self._bytes
        _STAMP.pack_into(buffer, begin, 2 * self._number + 1)
        buffer[begin + PAGE : begin + PAGE + len(data)] = data
        _STAMP.pack_into(buffer, begin, 2 * self._number + 2)
        for receiver in range(self.link.receivers):
            self._tell(receiver)
        self._number += 1

    def _tell(self, receiver: int) -> None:
        if receiver not in self._pipes:
            with contextlib.suppress(OSError):  # nobody has opened it yet
                self._pipes[receiver] = os.open(self._pipe_of(receiver), os.O_WRONLY | os.O_NONBLOCK)
        if receiver in self._pipes:
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                os.write(self._pipes[receiver], _STAMP.pack(self._number))

    def receive(self) -> Buffer:
        while True:
            if not self._told:
                self._told = [number for (number,) in _STAMP.iter_unpack(os.read(self._ear, 65536))]
                self._told.reverse()
            self._reads = self._told[0] if self.link.newest else self._told.pop()
            if self.link.newest:
                self._told.clear()
            if self.release():
                begin = self._reads % self._slots * self._stride + PAGE
                return self._bytes[begin : begin + self.link.size]

    def release(self) -> bool:
        (stamp,) = _STAMP.unpack_from(self._bytes, self._reads % self._slots * self._stride)
        return bool(stamp == 2 * self._reads + 2)

    def close(self) -> None:
        for pipe in (self._ear,) if self.link.receiver is not None else self._pipes.values():
            os.close(pipe)
        with contextlib.suppress(BufferError):  # a frame that is still looked at keeps the mapping
            self._memory.close()
        if self.link.receiver is None:
            self._memory.unlink()

    @classmethod
    def sweep(cls, link: Link) -> None:
        with contextlib.suppress(FileNotFoundError):
            memory = shared_memory.SharedMemory(link.name)
            memory.close()
            memory.unlink()
