# SPDX-License-Identifier: Apache-2.0
"""vshm publish ends where another attempt would fail in the same way, and goes on where it would not."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from far_sides import PICTURES, free_port, listening_ffprobe, rtsp_server
from filmed import filmed
from publishing import balance, publishing
from vshm import vshm

from vshm_ctypes.cli.publish.srt import SrtError, SrtSocket, _sockaddr

FINAL = ["401 Unauthorized", "403 Forbidden", "404 Not Found", "405 Method Not Allowed", "461 Unsupported Transport"]
PASSING = ["400 Bad Request", "453 Not Enough Bandwidth", "500 Internal Server Error", "503 Service Unavailable"]


def _answer(connection: socket.socket, status: str) -> None:
    """Let a client ask for options, and answer with the status whatever else it asks for."""
    with connection, suppress(OSError), connection.makefile("rb") as asked:
        while line := asked.readline():
            headers = dict[str, str]()
            while told := asked.readline().strip().decode():
                name, _, value = told.partition(":")
                headers[name.lower()] = value.strip()
            asked.read(int(headers.get("content-length", 0)))
            code = "200 OK" if line.startswith(b"OPTIONS") else status
            connection.sendall(f"RTSP/1.0 {code}\r\nCSeq: {headers['cseq']}\r\nPublic: ANNOUNCE\r\n\r\n".encode())


@contextmanager
def refusing_server(status: str) -> Iterator[int]:
    """Refuse whatever is published, with this status. Yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    _answer(server.accept()[0], status)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("status", FINAL)
def test_a_server_that_refuses_for_good_ends_the_command(status: str, ring: str) -> None:
    code, words = status.split(" ", 1)
    with (
        refusing_server(status) as port,
        filmed(ring),
        publishing(ring, f"rtsp://me:s3cret@127.0.0.1:{port}/x") as bridge,
    ):
        bridge.wait(lambda: bridge.process.poll() == 1, "it ends")
        bridge.end()
    assert (
        f"vshm: rtsp://***@127.0.0.1:{port}/x: method ANNOUNCE failed: {code} ({words}): it would say so again"
        in bridge.said
    )
    assert bridge.told["state"] == "down" and code in bridge.told["error"]
    balance(bridge.stream())


@pytest.mark.parametrize("status", PASSING)
def test_a_server_that_may_think_better_of_it_is_asked_again(status: str, ring: str) -> None:
    with refusing_server(status) as port, filmed(ring), publishing(ring, f"rtsp://127.0.0.1:{port}/x") as bridge:
        bridge.wait(lambda: "trying again" in bridge.said, "it says so")
        assert status.split()[0] in bridge.said.replace(str(port), "")
        assert bridge.end() == 1  # it was still there to be ended


def test_a_server_that_has_taken_something_before_is_asked_again_whatever_it_says(ring: str) -> None:
    port = free_port()
    with filmed(ring), publishing(ring, f"rtsp://me:right@127.0.0.1:{port}/live") as bridge:
        with rtsp_server(port, f"{PICTURES['h264']} ! fakesink", "me", "right"):
            bridge.wait_for_sent(10)
        with rtsp_server(port, f"{PICTURES['h264']} ! fakesink", "me", "other"):
            bridge.wait(lambda: "(Unauthorized): trying again" in bridge.said, "it is not let in")
        assert bridge.end() == 0


def test_an_srt_listener_with_another_passphrase_ends_the_command(ring: str, tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    listener = f"srt://127.0.0.1:{port}?passphrase=0123456789&mode=listener"
    with (
        listening_ffprobe(listener, tmp_path / "told", "-f", "mpegts"),
        filmed(ring),
        publishing(ring, f"srt://127.0.0.1:{port}?passphrase=abcdefghij") as bridge,
    ):
        bridge.wait(lambda: bridge.process.poll() == 1, "it ends")
        bridge.end()
    assert "Incorrect passphrase" in bridge.said and "abcdefghij" not in bridge.said


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("passphrase=short", "a passphrase has 10 to 79 bytes, and this one has 5"),
        (f"passphrase={80 * 'x'}", "this one has 80"),
        (f"streamid={513 * 'x'}", "a streamid has 0 to 512 bytes"),
        ("passphrase=0123456789&pbkeylen=17", "a key has 16, 24 or 32 bytes"),
    ],
)
def test_what_libsrt_refuses_is_refused_at_once(query: str, told: str, ring: str) -> None:
    outcome = vshm("publish", ring, f"srt://127.0.0.1:9?{query}")
    assert outcome.code == 2 and told in outcome.err
    assert "short" not in outcome.err and "xxx" not in outcome.err


def test_an_srt_host_is_reached_by_whichever_of_its_addresses_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Such as localhost, which is ::1 before it is 127.0.0.1, where a listener often is not."""
    port = free_port(socket.SOCK_DGRAM)

    def of_two(*_: object, **__: object) -> list[tuple[object, ...]]:
        kind = (socket.SOCK_DGRAM, 17, "")
        return [
            (socket.AF_INET6, *kind, ("::1", port, 0, 0)),
            (socket.AF_INET, *kind, ("127.0.0.1", port)),
        ]

    with listening_ffprobe(f"srt://127.0.0.1:{port}?mode=listener", tmp_path / "told", "-f", "mpegts"):
        monkeypatch.setattr("vshm_ctypes.cli.publish.srt.socket.getaddrinfo", of_two)
        SrtSocket(f"srt://cameras.test:{port}").close()


def test_an_address_that_is_unique_on_a_link_only_keeps_its_link() -> None:
    """fe80::1%eth0: without the number of its interface nothing can be sent there."""
    struct = _sockaddr(socket.AF_INET6, ("fe80::1", 9000, 0, 7))
    assert len(struct) == 28
    assert struct[8:24] == socket.inet_pton(socket.AF_INET6, "fe80::1")
    assert int.from_bytes(struct[24:], sys.byteorder) == 7


def test_srt_without_its_library_does_not_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vshm_ctypes.cli.publish.srt.LIBRARIES", ("libsrt-that-is-not-there.so",))
    with pytest.raises(SrtError, match="sudo apt install libsrt") as raised:
        SrtSocket("srt://127.0.0.1:9")
    assert raised.value.is_final
