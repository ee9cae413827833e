# SPDX-License-Identifier: Apache-2.0
"""A multiprocessing pipe for each receiver, with send_bytes() and recv_bytes()."""

from __future__ import annotations

import os
from multiprocessing.connection import Connection

from ..peer import Buffer, Peer


class Pipe(Peer):
    """A Connection on a kernel pipe, like multiprocessing.Pipe(duplex=False), but with a name to find it by."""

    name = "pipe"
    copies = 3
    how = "into the pipe, out of it, into bytes"

    def _path(self, receiver: int) -> str:
        return str(self.link.folder / f"pipe-{receiver}")

    def open_to_send(self) -> None:
        self._connections = []
        for receiver in range(self.link.receivers):
            os.mkfifo(self._path(receiver))
            # Opened for reading too, since it would otherwise wait here for a receiver.
            descriptor = os.open(self._path(receiver), os.O_RDWR | os.O_CLOEXEC)
            self._connections.append(Connection(descriptor, readable=False))

    def open_to_receive(self) -> None:
        assert self.link.receiver is not None
        descriptor = os.open(self._path(self.link.receiver), os.O_RDONLY | os.O_CLOEXEC)
        self._connections = [Connection(descriptor, writable=False)]

    def send(self, data: bytearray) -> None:
        for connection in self._connections:
            connection.send_bytes(data)

    def receive(self) -> Buffer:
        return self._connections[0].recv_bytes()

    def close(self) -> None:
        for connection in self._connections:
            connection.close()
