# SPDX-License-Identifier: Apache-2.0
"""vshm serve without a browser: what is sent, and what a slow or a rude one does to others."""

import asyncio
import io
import signal
import time
from collections.abc import Iterator

import aiohttp
import av
import pytest
from encoded import GOP, HEIGHT, WIDTH, access_units, stream
from pacing import Pacing
from serving import Server, camera, in_session, serving, status
from socket_browser import Browser, browse
from vshm import TIMEOUT_S, Camera
from writers import ROOT, wait_until

from vshm_ctypes import Codec, Consumer, Producer, inspect
from vshm_ctypes.cli.web.app import MOST_VIEWERS
from vshm_ctypes.cli.web.showing import HEAD, KEYFRAME
from vshm_ctypes.processes import find_users

STATIC = ROOT / "vshm_ctypes" / "cli" / "web" / "static"
TOKEN = "a-token-of-this-test"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


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
    captured = [head[1] / 1e9 for head, _ in browser.pictures[1:]]
    assert len(times) == 60
    for time_s, capture_s in zip(times, captured, strict=True):
        assert time_s == pytest.approx(capture_s - browser.pictures[0][0][1] / 1e9, abs=1e-3)
    assert [number % GOP == 0 for (number, *_), _ in browser.pictures[1:]] == [
        bool(head[3] & KEYFRAME) for head, _ in browser.pictures[1:]
    ]


def test_jpeg_goes_as_it_is_also_where_fragments_are_asked_for(server: Server, ring: str) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: bool(browser.pictures))

    picture, _ = stream(Codec.JPEG, 1)[0]
    with Producer(ring) as producer:
        producer.write(picture, keyframe=True, codec=Codec.JPEG, width=WIDTH, height=HEIGHT)
        browser = browse(server, f"?ring={ring}&form=mp4", look)
    assert browser.of("stream")[0]["form"] == "frames"
    assert browser.pictures[0][1] == picture


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
        await browser.until(lambda: browser.states == ["no keyframe"])

    with Camera(ring, gop=10**9) as keyless:
        wait_until(lambda: keyless.written > 40, "the ring has lost the first and only keyframe")
        assert not browse(server, f"?ring={ring}", look).pictures


def test_a_slow_browser_is_lapped_and_goes_on_at_a_keyframe_and_others_lose_nothing(server: Server, ring: str) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: bool(browser.pictures))
        begin = browser.pictures[-1][0][0]
        await asyncio.to_thread(wait_until, lambda: inspect(ring).frames > begin + 1500, "a lot is written")
        await browser.until(lambda: any(second["missed_total"] for second in browser.of("second")))

    units = access_units(100)
    with Pacing(ring, lambda number: units[number % 100][0].ljust(60_000, b"\0")) as pacing:
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
        return any(user.pid == server.process.pid for user in find_users().of(inspect(ring).identity))

    async def look(browser: Browser) -> None:
        await browser.until(lambda: len(browser.pictures) == 5)
        assert is_read()

    units = access_units(15)
    with Producer(ring) as producer:
        for data, keyframe in units:
            producer.write(data, keyframe=keyframe, width=WIDTH, height=HEIGHT)
        browser = browse(server, f"?ring={ring}", look)  # while nothing comes that it could be sent
        wait_until(lambda: not is_read(), "the server lets go of the ring")
    assert [data for _, data in browser.pictures] == [data for data, _ in units[10:]]


def test_what_a_rude_browser_says_harms_nobody(server: Server) -> None:
    async def look(browser: Browser) -> None:
        for message in ("", "no json", "[]", '{"ping_ms": "x"}', '{"ping_ms": null}', "[" * 4000):
            await browser.socket.send_str(message)
        await browser.socket.send_json({"ping_ms": 5})
        await browser.until(lambda: bool(browser.of("pong")))

    (pong,) = browse(server, "", look).of("pong")
    assert pong["ping_ms"] == 5
    assert abs(pong["monotonic_ms"] - time.monotonic() * 1000) < TIMEOUT_S * 1000
    assert status(server.url("/live?ring=../etc")) == 426
    assert status(server.url("/")) == 200


def test_there_are_not_more_browsers_than_a_board_bears(server: Server) -> None:
    async def crowd(session: aiohttp.ClientSession) -> aiohttp.WSMessage:
        sockets = [await session.ws_connect(server.url("/live")) for _ in range(MOST_VIEWERS)]
        async with session.ws_connect(server.url("/live")) as one_more:
            refused = await one_more.receive()
        for socket in sockets:
            await socket.close()
        return refused

    refused = in_session(crowd)
    assert (refused.type, refused.data) == (aiohttp.WSMsgType.CLOSE, 1013)
    assert f"{MOST_VIEWERS} streams are shown already" in refused.extra
