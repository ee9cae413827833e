# SPDX-License-Identifier: Apache-2.0
"""ZeroMQ, PUB and SUB over ipc: a Unix socket for each receiver, and a thread that serves them."""

from __future__ import annotations

from ..peer import Buffer, Peer


class ZeroMq(Peer):
    """A bound PUB socket, and a SUB socket for each receiver. Received frames are not copied again (copy=False)."""

    name = "zeromq"
    package = "pyzmq"
    module = "zmq"
    missed = None
    copies = 3
    how = "into a message, into the socket, out of it"

    def open_to_send(self) -> None:
        import zmq

        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SNDHWM, self.link.kept)  # beyond that, PUB drops new frames
        self._socket.bind(self._address)

    def open_to_receive(self) -> None:
        import zmq

        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, self.link.kept)
        self._socket.setsockopt(zmq.CONFLATE, self.link.newest)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._socket.connect(self._address)

    @property
    def _address(self) -> str:
        return f"ipc://{self.link.folder / 'zmq'}"

    def send(self, data: bytearray) -> None:
        self._socket.send(data)

    def receive(self) -> Buffer:
        return self._socket.recv(copy=False).buffer

    def close(self) -> None:
        self._socket.close()
        self._context.term()
