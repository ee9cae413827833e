# SPDX-License-Identifier: Apache-2.0
"""camera-streamer's streams over WebSocket: what clients get, and what a slow or a lost one does to others."""

import asyncio
import os
import socket
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from pacing import Pacing
from streamers import command, end, streaming, take
from vshm import TIMEOUT_S, Camera, payload
from writers import wait_until

from hil.streamer.websocket import MOST_CLIENTS, WebSocketServer, address
from vshm_ctypes import Consumer, Producer, inspect
from vshm_ctypes.processes import find_users

Socket = aiohttp.ClientWebSocketResponse


@pytest.fixture
def server(ring: str) -> Iterator[WebSocketServer]:
    with WebSocketServer("127.0.0.1", 0, [ring, f"{ring}_other"]) as server:
        yield server


def connected(server: WebSocketServer | int, query: str, look: Callable[[Socket], Awaitable[Any]]) -> Any:
    port = server if isinstance(server, int) else server.port

    async def connect() -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{port}/{query}", max_msg_size=0) as connection,
        ):
            return await asyncio.wait_for(look(connection), TIMEOUT_S)

    return asyncio.run(connect())


async def messages(connection: Socket, count: int) -> list[tuple[bytes, int]]:
    """Return (access unit, timestamp in ms) of each message."""
    found = [await connection.receive_bytes() for _ in range(count)]
    return [(data[:-8], int.from_bytes(data[-8:], "little")) for data in found]


def test_a_message_is_an_access_unit_and_its_timestamp(server: WebSocketServer, ring: str) -> None:
    with Producer(ring) as producer:
        for number in range(15):
            producer.write(payload(number), keyframe=number % 10 == 0, timestamp_ms=1_700_000_000_000 + number)
        found = connected(server, "", lambda connection: messages(connection, 5))
    # The ring's last keyframe, and what came after.
    assert found == [(payload(number), 1_700_000_000_000 + number) for number in range(10, 15)]


def test_a_channel_is_chosen_and_an_unknown_one_is_refused_with_a_reason(server: WebSocketServer, ring: str) -> None:
    async def refusal(connection: Socket) -> tuple[int | None, str]:
        message = await connection.receive()
        assert message.type == aiohttp.WSMsgType.CLOSE
        return message.data, message.extra or ""

    with Producer(f"{ring}_other") as producer:
        producer.write(payload(7), keyframe=True, timestamp_ms=1)
        assert connected(server, f"?channel={ring[1:]}_other", lambda connection: messages(connection, 1)) == [
            (payload(7), 1)
        ]
    code, reason = connected(server, "?channel=9", refusal)
    assert (code, reason) == (1008, f"no channel 9; there are {ring}, {ring}_other"[:120])
    assert connected(server, "?channel=a%2Fb", refusal)[0] == 1008


async def newer_messages(connection: Socket, count: int) -> list[tuple[int, bytes, int]]:
    """Return (channel, access unit, timestamp in ms) of each message, when a channel was asked for by number."""
    found = [await connection.receive_bytes() for _ in range(count)]
    return [(data[0], data[1:-8], int.from_bytes(data[-8:], "little")) for data in found]


def test_who_asks_for_a_channel_by_number_gets_the_newer_message() -> None:
    """Another one of the same ring does not."""
    number = 128 + os.getpid() % 128
    ring = f"/video_stream_ch{number}"
    with WebSocketServer("127.0.0.1", 0, [ring, "/another"]) as server, Producer(ring) as producer:
        for frame in range(3):
            producer.write(payload(frame), keyframe=frame == 0, timestamp_ms=1_700_000_000_000 + frame)
        newer = connected(server, f"?channel={number}", lambda connection: newer_messages(connection, 3))
        assert newer == [(number, payload(frame), 1_700_000_000_000 + frame) for frame in range(3)]
        older = [(data, time_ms) for _, data, time_ms in newer]
        assert connected(server, "", lambda connection: messages(connection, 3)) == older
        assert connected(server, f"?channel={ring[1:]}", lambda connection: messages(connection, 3)) == older


def test_a_number_that_no_byte_can_tell_is_asked_for_by_name() -> None:
    number = 7_000_000 + os.getpid()
    ring = f"/video_stream_ch{number}"

    async def code(connection: Socket) -> Any:
        return (await connection.receive()).data

    with WebSocketServer("127.0.0.1", 0, [ring]) as server, Producer(ring) as producer:
        producer.write(payload(1), keyframe=True, timestamp_ms=1)
        assert connected(server, f"?channel={ring[1:]}", lambda connection: messages(connection, 1)) == [
            (payload(1), 1)
        ]
        for many in (str(number), "9" * 5000):
            assert connected(server, f"?channel={many}", code) == 1008


def test_a_client_may_be_there_before_the_first_picture(server: WebSocketServer, ring: str) -> None:
    async def look(connection: Socket) -> None:
        await asyncio.to_thread(wait_until, lambda: server.served.clients == 1, "the client is there")
        with Producer(ring) as producer:
            producer.write(payload(3), keyframe=True, timestamp_ms=5)
            assert await messages(connection, 1) == [(payload(3), 5)]

    connected(server, "", look)


def test_a_slow_client_goes_on_at_a_keyframe_and_others_lose_nothing(server: WebSocketServer, ring: str) -> None:
    async def look(connection: Socket) -> list[int]:
        numbers = [number_of(data) for data, _ in await messages(connection, 1)]
        await asyncio.to_thread(wait_until, lambda: inspect(ring).frames > numbers[0] + 1500, "a lot is written")
        while numbers[-1] < numbers[0] + 1500:
            numbers += [number_of(data) for data, _ in await messages(connection, 1)]
        return numbers

    with Pacing(ring) as pacing:
        numbers = connected(server, "", look)
    assert pacing.missed_by_other == 0
    gaps = [after for before, after in pairwise(numbers) if after != before + 1]
    assert gaps
    assert all(after % 10 == 0 for after in gaps)
    wait_until(lambda: server.served.sent > 0, "the client has left")
    assert server.served.missed > 0


def number_of(data: bytes) -> int:
    return int.from_bytes(data[8:12], "big")


def test_a_client_that_leaves_leaves_no_reader(server: WebSocketServer, ring: str) -> None:
    with Camera(ring):
        connected(server, "", lambda connection: messages(connection, 3))
        wait_until(lambda: server.served.sent >= 3, "its thread has ended")
        ring_itself = inspect(ring).identity  # a process that was just forked has what its parent has, for a moment
        wait_until(lambda: [user.pid for user in find_users().of(ring_itself)] == [os.getpid()], "nobody else reads")
        wait_until(
            lambda: not [thread for thread in threading.enumerate() if "_send" in thread.name], "so has the sender"
        )
    assert server.served.clients == 1


def test_the_next_producer_of_a_ring_is_followed(server: WebSocketServer, ring: str) -> None:
    async def look(connection: Socket) -> None:
        await messages(connection, 10)
        await asyncio.to_thread(first.__exit__)
        with Producer(ring) as producer:
            producer.write(b"the next", keyframe=True)
            while (await messages(connection, 1))[0][0] != b"the next":  # before it what was on its way
                pass

    first = Camera(ring).__enter__()
    connected(server, "", look)


def test_the_end_says_goodbye(ring: str) -> None:
    async def look(connection: Socket) -> Any:
        await messages(connection, 1)
        threading.Thread(target=ending.close).start()
        while (message := await connection.receive()).type == aiohttp.WSMsgType.BINARY:
            pass
        return message.data

    ending = WebSocketServer("127.0.0.1", 0, [ring])
    with Camera(ring):
        assert connected(ending, "", look) == 1001
    ending.close()


def test_a_crowd_is_refused_and_all_of_it_is_served(server: WebSocketServer, ring: str) -> None:
    async def crowd() -> tuple[int, Any]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            url = f"http://127.0.0.1:{server.port}/"
            sockets = [await session.ws_connect(url) for _ in range(MOST_CLIENTS)]
            served = [await socket.receive_bytes() for socket in sockets]  # each has a thread of its own
            async with session.ws_connect(url) as refused:
                message = await refused.receive()
            for socket in sockets:
                await socket.close()
            return len(served), message.data

    with Camera(ring, fps=20):
        assert asyncio.run(asyncio.wait_for(crowd(), TIMEOUT_S)) == (MOST_CLIENTS, 1013)


def test_a_port_that_is_taken_is_told(server: WebSocketServer, ring: str) -> None:
    with pytest.raises(OSError, match="listens there already"):
        WebSocketServer("127.0.0.1", server.port, [ring])


@pytest.mark.parametrize(
    ("text", "found"),
    [("8765", ("127.0.0.1", 8765)), ("0.0.0.0:80", ("0.0.0.0", 80)), ("[::1]:8765", ("::1", 8765))],
)
def test_who_is_served_is_said_on_the_command_line(text: str, found: tuple[str, int]) -> None:
    assert address(text) == found


@pytest.mark.parametrize("text", ["", "x", "host:", "70000", "-1"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 8765"):
        address(text)


def test_camera_streamer_serves_shared_memory_and_websocket_at_once(ring: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--device", "testsrc:320x240@30", "--channel", f"{ring}:", "--websocket", str(port), "--stats"]

    async def look(connection: Socket) -> list[tuple[bytes, int]]:
        return await messages(connection, 40)

    with streaming(ring, *words) as process:
        with Consumer(ring, start="oldest") as stream:
            over_websocket = connected(port, "", look)
            frames = take(stream, 60)
        end(process)
    by_time = {frame.timestamp_ms: frame.data for frame in frames}
    both = [(data, by_time[time_ms]) for data, time_ms in over_websocket if time_ms in by_time]
    assert len(both) > 20
    assert all(sent == in_ring for sent, in_ring in both)


def test_camera_streamer_refuses_what_is_no_port() -> None:
    refused = subprocess.run(command("--device", "testsrc", "--websocket", "x"), capture_output=True, text=True)
    assert (refused.returncode, "such as 8765" in refused.stderr) == (2, True)
