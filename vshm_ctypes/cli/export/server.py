# SPDX-License-Identifier: Apache-2.0
"""The HTTP server of vshm export: no client can keep others from their answers, or fill the log."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from ...commandline.output import complain
from ...commandline.rate_limited_log import Seldom, first_line, in_a_line

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

MOST_CONNECTIONS = 32
LONGEST_S = 20.0  # of a connection in all; Prometheus gives up after ten


class _Handler(WSGIRequestHandler):
    """Does not log requests, and logs malformed ones at most once a minute."""

    server: ExportServer

    def log_request(self, *_: object) -> None:
        pass

    def log_message(self, form: str, *words: Any) -> None:
        self.server.say(f"{self.client_address[0]} sent a malformed request: {first_line(form % words)}")


class ExportServer(ThreadingMixIn, WSGIServer):
    """Serves each connection in a thread. If there are too many, or no descriptor is left, it closes the oldest one.

    Raises OSError if the address is in use or invalid.
    """

    daemon_threads = True

    def __init__(self, host: str, port: int, app: WSGIApplication, longest_s: float = LONGEST_S) -> None:
        self.say = Seldom(complain)
        self._longest_s = longest_s
        self._since_s: dict[Any, float] = {}  # since when each connection exists, oldest first
        self._lock = threading.Lock()
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family, *_, address = found[0]
        super().__init__(address, _Handler)  # type: ignore[arg-type]  # with its scope, if it is of IPv6
        self.set_app(self._answering(app))

    def _answering(self, app: WSGIApplication) -> WSGIApplication:
        """Wrap app so that an error is logged in one line; wsgiref would print a traceback."""

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            try:
                if environ["REQUEST_METHOD"] == "HEAD":  # as monitors ask whether somebody answers
                    app({**environ, "REQUEST_METHOD": "GET"}, start_response)
                    return []
                return app(environ, start_response)
            except Exception as error:
                self.say(f"a request of {environ['REMOTE_ADDR']} failed: {in_a_line(error)}")
                start_response("500 Internal Server Error", [("Content-Type", "text/plain")], sys.exc_info())
                return [b"internal error: see the output of vshm export\n"]

        return answer

    # ---- what socketserver calls ----

    def get_request(self) -> tuple[Any, Any]:
        try:
            return super().get_request()
        except OSError:  # no descriptor is left, and accepting would be tried over and over
            self._end_oldest()
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._since_s[request] = time.monotonic()
            too_many = len(self._since_s) > MOST_CONNECTIONS
        if too_many:
            self._end_oldest()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._since_s.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End connections that exist for too long; called several times a second."""
        now_s = time.monotonic()
        with self._lock:
            late = [request for request, since_s in self._since_s.items() if now_s - since_s > self._longest_s]
        for request in late:
            self._end(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):  # else the client has left
            self.say(f"a request of {client_address[0]} failed: {in_a_line(error)}")

    def _end_oldest(self) -> None:
        with self._lock:
            oldest = next(iter(self._since_s), None)
        if oldest is not None:
            self._end(oldest)

    def _end(self, request: Any) -> None:
        """Shut the connection down, so that its thread wakes up and closes it."""
        with self._lock:
            self._since_s.pop(request, None)
        with suppress(OSError):  # it has ended meanwhile
            request.shutdown(socket.SHUT_RDWR)
