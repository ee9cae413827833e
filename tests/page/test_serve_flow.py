# SPDX-License-Identifier: Apache-2.0
"""vshm serve without a browser: one that does not keep up stays at live, and what it skips is counted."""

import asyncio
import itertools
from typing import Any

import pytest
from coded_streams import BEGIN_NS, put_all, units
from serving import Server, camera, status
from socket_browser import Browser, browse
from unusual_streams import encoded

from vshm_ctypes import Codec, Consumer, Producer
from vshm_ctypes.cli.web import flow
from vshm_ctypes.cli.web.flow import MOST_S, Flow
from vshm_ctypes.cli.web.showing import HEAD, HEADER, KEYFRAME, Showing
from vshm_ctypes.cli.web.viewer import PAST_S


class Time:
    """One that a test turns on."""

    now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(flow, "time", made)
    return made


def test_what_is_long_on_its_way_is_waited_for(time: Time) -> None:
    way = Flow(tells=True)
    way.sent(1000)
    time.now_s += MOST_S * 0.9
    assert way.wait()
    time.now_s += MOST_S * 0.2
    assert not way.wait()
    way.got(1)
    assert way.wait()


def test_a_long_way_alone_is_no_delay(time: Time) -> None:
    way = Flow(tells=True)
    way.sent(1000)
    time.now_s += 2 * MOST_S
    way.got(1)
    way.sent(1000)
    time.now_s += 2 * MOST_S
    assert way.wait()


def test_a_way_is_not_filled_beyond_what_it_carries(time: Time) -> None:
    way = Flow(tells=True)
    for _ in range(8):
        way.sent(10_000)
    for count in range(1, 9):  # 100 kB/s
        time.now_s += 0.1
        way.got(count)
    for _ in range(5):
        assert way.wait()
        way.sent(10_000)
    way.sent(10_000)
    assert not way.wait()
    way.got(9)
    assert way.wait()


def test_who_does_not_tell_is_not_waited_for(time: Time) -> None:
    way = Flow(tells=False)
    way.sent(1000)
    time.now_s += 100
    assert way.wait()


def test_who_tells_nonsense_harms_nobody(time: Time) -> None:
    way = Flow(tells=True)
    for count in (-1, 10**30, 0):
        way.got(count)
    way.sent(1)
    assert way.wait()


async def tell(browser: Browser, skipped: int = 0) -> None:
    await browser.socket.send_json({"got": browser.got, "skipped": skipped})


def of_ring(browser: Browser, ring: str, server: Server) -> list[dict[str, Any]]:
    """Return the server's own readers of the ring, as it reports them; none until it does."""
    told = [one for overview in browser.of("overview")[-1:] for one in overview["rings"] if one["name"] == ring]
    return [reader for one in told for reader in one["readers"] if reader["pid"] == server.process.pid]


def gaps(browser: Browser) -> list[tuple[int, bool]]:
    """Return (pictures that were not sent, whether a keyframe came after them) for each gap."""
    heads = [head for head, _ in browser.pictures if not head[3] & HEAD]
    return [
        (after[0] - before[0] - 1, bool(after[3] & KEYFRAME))
        for before, after in itertools.pairwise(heads)
        if after[0] != before[0] + 1
    ]


@pytest.mark.parametrize("form", ["frames", "mp4"])
def test_a_browser_that_falls_behind_goes_on_at_a_keyframe_and_all_is_counted(
    server: Server, ring: str, form: str
) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: len(browser.pictures) >= 3)
        await tell(browser)
        await browser.until(lambda: any(second["skipped"] >= 50 for second in browser.of("second")))
        await tell(browser, skipped=1000)
        await browser.until(lambda: bool(gaps(browser)))
        count = gaps(browser)[0][0]
        await browser.until(lambda: browser.of("second")[-1]["skipped"] >= count)
        await browser.until(
            lambda: any(one.get("skipped", 0) >= 1000 + count for one in of_ring(browser, ring, server))
        )

    with camera(ring):
        browser = browse(server, f"?ring={ring}&form={form}&tells=got", look)
    (viewer,) = of_ring(browser, ring, server)
    assert (viewer["viewer"], viewer["missed"]) == ("127.0.0.1", 0)
    assert viewer["received"] >= len(browser.pictures)
    assert gaps(browser)[0][0] >= 50
    assert all(is_key for _, is_key in gaps(browser))


def test_what_a_ring_holds_waits_until_the_browser_takes_it(server: Server, ring: str) -> None:
    """If the ring's writer is silent, nothing comes after it, and no keyframe."""
    count = 50
    pictures = encoded(f"keyint={count}:min-keyint={count}:bframes=0", count=count)

    async def look(browser: Browser) -> None:
        await browser.until(lambda: bool(browser.pictures))
        await tell(browser)
        await asyncio.sleep(PAST_S * 1.2)  # it is behind by now: much more lies in the ring than a connection holds
        while len(browser.pictures) < count:
            have = len(browser.pictures)
            await browser.until(lambda: len(browser.pictures) > have)  # noqa: B023
            await tell(browser)

    with Producer(ring, slots=count + 4) as producer:
        for data, key, _ in pictures:
            producer.write(data.ljust(400_000, b"\0"), keyframe=key)
        browser = browse(server, f"?ring={ring}&tells=got", look)
    assert gaps(browser) == []


def test_what_the_muxer_held_while_pictures_were_skipped_is_not_sent_late(ring: str) -> None:
    """It writes a picture when the next one comes, since only then it knows how long it is shown."""

    class Way(Flow):
        is_free = True

        def wait(self, timeout_s: float = 0.0) -> bool:
            return self.is_free

    sent: list[bytes] = []
    way = Way(tells=False)
    showing = Showing(ring, "mp4", False, lambda told: sent.append(told) if isinstance(told, bytes) else None, way)
    with Producer(ring) as producer, Consumer(ring) as reader:
        for number, (data, key, _) in enumerate(encoded("keyint=5:min-keyint=5:bframes=0", count=13)):
            producer.write(data, keyframe=key)
            frame = reader.receive()
            assert frame is not None
            way.is_free = number != 7
            showing.show(frame)
    showing.close()
    heads = [HEADER.unpack_from(part) for part in sent]
    assert [head[0] for head in heads if not head[3] & HEAD] == [0, 1, 2, 3, 4, 5, 10, 11]
    assert showing.skipped == 4


def test_after_an_outage_that_mp4_cannot_tell_the_browser_begins_anew(ring: str) -> None:
    """Else FFmpeg refuses it, and the page says that the stream can't be played."""
    sent: list[bytes] = []
    way = Flow(tells=False)
    showing = Showing(ring, "mp4", False, lambda told: sent.append(told) if isinstance(told, bytes) else None, way)
    begins_ns = [BEGIN_NS, BEGIN_NS + 7 * 3600 * 1_000_000_000]
    with Producer(ring) as producer, Consumer(ring) as reader:
        for begin_ns in begins_ns:
            put_all(producer, units("h264", 5), Codec.H264, begin_ns)
        for _ in range(10):
            frame = reader.receive(1)
            assert frame is not None
            showing.show(frame)
    showing.close()
    heads = [HEADER.unpack_from(part) for part in sent]
    assert [head[1] for head in heads if head[3] & HEAD] == begins_ns
    assert [head[0] for head in heads if not head[3] & HEAD] == [0, 1, 2, 3, 5, 6, 7, 8]  # but the last


@pytest.mark.parametrize("name", ["%00", "%0A", "..", "%2F..%2Fetc", "x" * 300, "%3Cb%3E", "%FF", "%20", ""])
def test_a_name_that_is_none_is_told(server: Server, name: str) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: bool(browser.said))

    browse(server, f"?ring={name}", look)
    assert status(server.url("/")) == 200


def test_who_asks_without_a_websocket_learns_that_it_needs_one(server: Server) -> None:
    assert status(server.url("/live")) == 426
