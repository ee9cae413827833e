# SPDX-License-Identifier: Apache-2.0
"""vshm serve without a browser: what is sent, and what a slow or a rude one does to others."""

import asyncio
import io
import json
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import av
import pytest
from encoded import HEIGHT, WIDTH, access_units
from pacing import Pacing
from serving import Server, camera, in_session, serving, status
from vshm import TIMEOUT_S, Camera
from writers import ROOT, wait_until

from vshm_ctypes import Codec, Consumer, Producer, inspect
from vshm_ctypes.cli.web.viewer import HEAD, HEADER, KEYFRAME
from vshm_ctypes.processes import find_users

STATIC = ROOT / "vshm_ctypes" / "cli" / "web" / "static"
TOKEN = "a-token-of-this-test"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


class Browser:
    """What came over one WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.told: list[dict[str, Any]] = []
        self.pictures: list[tuple[tuple[int, ...], bytes]] = []

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            message = await self.socket.receive(TIMEOUT_S)
            if message.type == aiohttp.WSMsgType.BINARY:
                self.pictures.append((HEADER.unpack_from(message.data), message.data[HEADER.size :]))
            else:
                assert message.type == aiohttp.WSMsgType.TEXT, message
                self.told.append(json.loads(message.data))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.told if one["type"] == kind]

    @property
    def states(self) -> list[str]:
        return [one["state"] for one in self.of("state")]


def browse(server: Server, query: str, look: Callable[[Browser], Awaitable[None]]) -> Browser:
    async def connect(session: aiohttp.ClientSession) -> Browser:
        async with session.ws_connect(server.url(f"/live{query}"), max_msg_size=0) as socket:
            browser = Browser(socket)
            await look(browser)
            return browser

    result: Browser = in_session(connect)
    return result


def test_frames_are_the_rings_own_and_begin_with_a_keyframe(server: Server, ring: str) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: len(browser.pictures) >= 60)

    with camera(ring):
        browser = browse(server, f"?ring={ring}&form=frames", look)
    (stream,) = browser.of("stream")
    assert (stream["codec"], stream["width"], stream["height"], stream["form"]) == ("h264", WIDTH, HEIGHT, "frames")
    numbers = [head[0] for head, _ in browser.pictures]
    assert numbers == list(range(numbers[0], numbers[0] + 60))
    for (number, capture_ns, publish_ns, flags, size, _), data in browser.pictures:
        unit, keyframe = access_units(100)[number % 100]
        assert data == unit
        assert (bool(flags & KEYFRAME), size) == (keyframe, len(unit))
        assert 0 < capture_ns <= publish_ns
    assert browser.pictures[0][0][3] & KEYFRAME


def test_fragments_are_the_same_pictures_at_their_times(server: Server, ring: str) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: len(browser.pictures) >= 61)

    with camera(ring):
        browser = browse(server, f"?ring={ring}&form=mp4", look)
    (stream,) = browser.of("stream")
    assert stream["form"] == "mp4"
    assert [head[3] & HEAD for head, _ in browser.pictures] == [HEAD] + [0] * 60
    with av.open(io.BytesIO(b"".join(data for _, data in browser.pictures)), "r") as film:
        times = [frame.time for frame in film.decode(video=0)]
    # A fragment is complete only with the frame after: each message's header is one frame ahead.
    captured = [head[1] / 1e9 for head, _ in browser.pictures[1:]]
    assert len(times) >= 60
    for time_s, capture_s in zip(times[1:], captured, strict=False):
        assert time_s == pytest.approx(capture_s - stream["first_ms"] / 1e3, abs=1e-3)


def test_jpeg_goes_as_it_is_also_where_fragments_are_asked_for(server: Server, ring: str) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: bool(browser.pictures))

    with Producer(ring) as producer:
        producer.write(b"\xff\xd8 a picture \xff\xd9", keyframe=True, codec=Codec.JPEG, width=16, height=16)
        browser = browse(server, f"?ring={ring}&form=mp4", look)
    assert browser.of("stream")[0]["form"] == "frames"
    assert browser.pictures[0][1] == b"\xff\xd8 a picture \xff\xd9"


def test_what_a_second_brought_and_who_reads_are_told(server: Server, ring: str) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: len(browser.of("second")) >= 2 and len(browser.of("overview")) >= 2)

    with camera(ring), Consumer(ring, publish=True) as other:
        other.receive(TIMEOUT_S)
        browser = browse(server, f"?ring={ring}", look)
    second, overview = browser.of("second")[-1], browser.of("overview")[-1]
    assert second["key_interval"] == 10
    assert 0 < second["latency_s"]["50"] <= second["latency_s"]["99"]
    assert second["dropped"] == {"busy": 0, "too large": 0, "no space": 0}
    (told,) = [one for one in overview["rings"] if one["name"] == ring]
    readers = {reader["pid"]: reader for reader in told["readers"]}
    assert server.process.pid in readers
    assert any("received" in reader for reader in told["readers"])
    assert overview["board"]["processors"] >= 1


def test_a_killed_producer_is_told_and_the_next_one_is_shown(server: Server, ring: str) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: browser.states == ["none"])
        with camera(ring):
            await browser.until(lambda: browser.states == ["none", "live"])
        await browser.until(lambda: browser.states[-1] == "dead")
        seen = len(browser.pictures)
        with camera(ring):
            await browser.until(lambda: browser.states[-1] == "live" and len(browser.pictures) > seen + 5)

    browser = browse(server, f"?ring={ring}", look)
    assert browser.states == ["none", "live", "dead", "live"]
    assert browser.of("state")[2]["text"] == "The producer died. Waiting for the next one."
    numbers = [head[0] for head, _ in browser.pictures]
    assert numbers == sorted(set(numbers))


def test_a_stalled_producer_is_told(server: Server, ring: str) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: browser.states == ["live"])
        process.send_signal(signal.SIGSTOP)
        await browser.until(lambda: browser.states == ["live", "stalled"])
        process.send_signal(signal.SIGCONT)
        await browser.until(lambda: browser.states == ["live", "stalled", "live"])

    with camera(ring) as process:
        browse(server, f"?ring={ring}", look)


def test_a_stream_without_keyframes_is_told(server: Server, ring: str) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: browser.states == ["live", "no keyframe"])

    with Camera(ring, gop=10**9) as keyless:
        wait_until(lambda: keyless.written > 40, "the ring has lost the first and only keyframe")
        assert not browse(server, f"?ring={ring}", look).pictures


def test_a_slow_browser_is_lapped_and_goes_on_at_a_keyframe_and_others_lose_nothing(server: Server, ring: str) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: bool(browser.pictures))
        begin = browser.pictures[-1][0][0]
        await asyncio.to_thread(wait_until, lambda: inspect(ring).frames > begin + 1500, "a lot is written")
        await browser.until(lambda: any(second["missed_total"] for second in browser.of("second")))

    with Pacing(ring) as pacing:
        browser = browse(server, f"?ring={ring}", look)
    assert pacing.missed_by_other == 0
    gaps = [
        (after, flags & KEYFRAME)
        for ((before, *_), _), ((after, _, _, flags, *_), _) in zip(
            browser.pictures, browser.pictures[1:], strict=False
        )
        if after != before + 1
    ]
    assert gaps
    assert all(is_key for _, is_key in gaps)


def test_a_browser_begins_at_the_last_keyframe_and_leaves_no_reader(server: Server, ring: str) -> None:
    def is_read() -> bool:
        return any(user.pid == server.process.pid for user in find_users().of(inspect(ring).inode))

    async def look(browser: Browser) -> None:
        await browser.until(lambda: len(browser.pictures) == 5)
        assert is_read()

    with Producer(ring) as producer:
        for number in range(15):
            producer.write(bytes([number]), keyframe=number % 10 == 0, width=64, height=48)
        browser = browse(server, f"?ring={ring}", look)  # while nothing comes that it could be sent
        wait_until(lambda: not is_read(), "the server lets go of the ring")
    assert [data for _, data in browser.pictures] == [bytes([number]) for number in range(10, 15)]


def test_what_a_rude_browser_says_harms_nobody(server: Server) -> None:
    async def look(browser: Browser) -> None:
        for message in ("", "no json", "[]", '{"ping_ms": "x"}', '{"ping_ms": null}', "[" * 4000):
            await browser.socket.send_str(message)
        await browser.socket.send_json({"ping_ms": 5})
        await browser.until(lambda: bool(browser.of("pong")))

    (pong,) = browse(server, "", look).of("pong")
    assert pong["ping_ms"] == 5
    assert abs(pong["monotonic_ms"] - time.monotonic() * 1000) < TIMEOUT_S * 1000
    assert status(server.url("/live?ring=../etc")) == 400
    assert status(server.url("/")) == 200


def test_there_are_not_more_browsers_than_a_board_bears(server: Server) -> None:
    async def crowd(session: aiohttp.ClientSession) -> int:
        sockets = [await session.ws_connect(server.url("/live")) for _ in range(16)]
        async with session.get(server.url("/live")) as answer:
            refused = answer.status
        for socket in sockets:
            await socket.close()
        return refused

    assert in_session(crowd) == 503
