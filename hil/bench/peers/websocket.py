# SPDX-License-Identifier: Apache-2.0
"""WebSocket on loopback, with each frame as a binary message; without compression, which is of no use for video."""

from __future__ import annotations

import threading
from pathlib import Path

from ..peer import Buffer, Peer


class WebSocket(Peer):
    """A server with a thread for each receiver, which is a client. A file has the port."""

    name = "websocket"
    package = "websockets"
    copies = 6
    how = "into a message, into the socket, out of it, into a buffer, out of that, into bytes"

    def open_to_send(self) -> None:
        from websockets.sync.server import ServerConnection, serve

        self._over = threading.Event()
        self._connections: list[ServerConnection] = []

        def keep(connection: ServerConnection) -> None:
            self._connections.append(connection)
            self._over.wait()

        self._server = serve(keep, "127.0.0.1", 0, compression=None, max_size=None)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._port.write_text(str(self._server.socket.getsockname()[1]))

    def open_to_receive(self) -> None:
        from websockets.sync.client import connect

        address = f"ws://127.0.0.1:{self._port.read_text()}"
        self._client = connect(address, compression=None, max_size=None, proxy=None)

    @property
    def _port(self) -> Path:
        return self.link.folder / "port"

    def send(self, data: bytearray) -> None:
        for connection in self._connections:
            connection.send(data)

    def receive(self) -> Buffer:
        return self._client.recv(decode=False)

    def close(self) -> None:
        if self.link.receiver is not None:
            self._client.close()
            return
        self._over.set()
        self._server.shutdown()
