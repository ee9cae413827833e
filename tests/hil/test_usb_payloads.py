# SPDX-License-Identifier: Apache-2.0
"""What a USB camera sends of its pictures: payload headers, pace and times, without a fault."""

import itertools

import pytest
from usb_host import LENGTH, SET_INTERFACE, STANDARD_OUT, Plug, picture_bytes, plugging, received, small_design

plug = pytest.fixture(plugging)

CLOCK_HZ = 48_000_000
DESIGNS = {"isochronous": small_design(), "bulk": small_design(bulk=True)}


@pytest.fixture(params=DESIGNS)
def design(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_pictures_arrive_whole_and_in_time(plug: Plug, design: str) -> None:
    host = plug(DESIGNS[design])
    host.start()
    begin_s = host.now_s
    pictures = received(host.payloads(0.99))
    assert len(pictures) == 30
    for number, picture in enumerate(pictures):
        assert picture.data == picture_bytes(number % LENGTH, 20_000)
        bits = [each[0] for each in picture.headers]
        assert [bool(each & 0x02) for each in bits] == [False] * (len(bits) - 1) + [True]  # the end, at the end
        assert {each & 0x01 for each in bits} == {number % 2}  # the frame id changes with each picture
        assert all(each & 0x80 and each & 0x0C == 0x0C and not each & 0x40 for each in bits)
        times = {pts for _, pts, _, _ in picture.headers}
        assert times == {round((begin_s + number / 30.00003) * CLOCK_HZ) & 0xFFFFFFFF} or len(times) == 1
    steps = [(b.headers[0][1] or 0) - (a.headers[0][1] or 0) & 0xFFFFFFFF for a, b in itertools.pairwise(pictures)]
    assert set(steps) <= {1_599_998, 1_599_999}  # 33.3333 ms at 48 MHz
    for _, _, clock, frame in pictures[-1].headers:
        assert (
            clock == round((begin_s + 29 / 30) * CLOCK_HZ) & 0xFFFFFFFF
            or abs((clock or 0) - (round(host.now_s * CLOCK_HZ) & 0xFFFFFFFF)) < CLOCK_HZ // 10
        )
        assert frame is not None and frame < 2048


def test_the_books_tell_each_picture(plug: Plug, design: str) -> None:
    host = plug(DESIGNS[design])
    host.start()
    host.payloads(0.49)
    books = host.books()
    assert len(books.pictures) == 15 and all(one.whole for one in books.pictures)
    assert [one.sequence for one in books.pictures] == list(range(15))
    assert [one.number for one in books.pictures] == [number % LENGTH for number in range(15)]
    assert {(one.stream, one.bytes, one.parts) for one in books.pictures} == {(1, 20_000, 1)}
    for one in books.pictures:
        assert one.sent_ns is not None and 0 <= one.sent_ns - one.due_ns < 10_000_000
    assert books.counts["due"] == books.counts["sent"] == books.counts["whole"] == 15


def test_a_small_alternate_carries_smaller_payloads(plug: Plug) -> None:
    host = plug()
    host.start(alternate=1)
    payloads = host.payloads(0.04)
    assert max(len(payload) for payload, _ in payloads) == 512
    assert received(payloads)[0].data == picture_bytes(0, 20_000)


def test_a_rate_that_was_agreed_on_is_kept(plug: Plug) -> None:
    host = plug()
    host.start(interval=1_000_000)
    assert len(received(host.payloads(0.95))) == 10


def test_each_stream_begins_anew(plug: Plug) -> None:
    host = plug()
    for _ in range(2):
        host.start()
        assert received(host.payloads(0.19))[0].data == picture_bytes(0, 20_000)
        host.control(STANDARD_OUT, SET_INTERFACE, 0, 1, 0)
        assert host.payloads(0.2) == []
    books = host.books()
    assert [event.name for event in books.events] == ["started", "stopped"] * 2
    assert [one.sequence for one in books.stream(2)] == list(range(6))


def test_a_host_without_transfers_loses_whole_pictures(plug: Plug) -> None:
    """A camera's buffer is small: what the host does not fetch is lost, and the books say so."""
    host = plug()
    host.start()
    for _ in range(20):
        host.now_s += 1 / 30
        host.device.tick()
    counts = host.books().counts
    assert counts["sent"] == 0 and counts["overrun"] == counts["due"] > 10
    pictures = received(host.payloads(0.2))
    assert [one.data for one in pictures[:4]] == [picture_bytes(number, 20_000) for number in range(4)]
    host.control(STANDARD_OUT, SET_INTERFACE, 0, 1, 0)
    counts = host.books().counts
    assert counts["due"] == counts["sent"] + counts["overrun"] + counts["given-up"]


def test_what_was_not_sent_when_a_stream_stops_is_in_the_books(plug: Plug) -> None:
    host = plug()
    host.start()
    host.now_s += 0.04
    host.device.tick()
    host.control(STANDARD_OUT, SET_INTERFACE, 0, 1, 0)
    assert [(one.sent_ns, one.what) for one in host.books().pictures] == [(None, ("given-up",))] * 2


def test_a_transfer_that_is_taken_back_is_not_answered(plug: Plug) -> None:
    host = plug()
    first, second = host.submit_packets(), host.submit_packets()
    assert host.unlink(first) == -104
    host.start()
    host.now_s += 0.001
    host.device.tick()
    assert [each.number for each in host.answers()] == [second]
