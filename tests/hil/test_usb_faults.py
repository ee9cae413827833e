# SPDX-License-Identifier: Apache-2.0
"""Each fault of a USB camera: what is sent then, and what its books say."""

import itertools
import re
from typing import Any

import pytest
from usb_host import CLASS_OUT, STANDARD_OUT, Host, Plug, Received, picture_bytes, plugging, received, small_design

from hil.usb.controls import EXPOSURE_PRIORITY, SET_CUR
from hil.usb.device import SET_CONFIGURATION
from hil.usb.faults import FAULTS, FaultError, Faults, Unit, listing

plug = pytest.fixture(plugging)

SIZE = 20_000
WHOLE = 7  # payloads that it takes


def seen(
    plug: Plug, fault: str, value: float | str = 1, seconds: float = 0.3, **options: Any
) -> tuple[Host, list[Received]]:
    """A camera after three good pictures and then that fault, and its pictures from then on."""
    host = plug(small_design(**options), size=SIZE)
    host.start()
    host.payloads(0.09)
    host.faults.set(fault, value)
    return host, received(host.payloads(seconds))


def whole(host: Host, pictures: list[Received]) -> list[int]:
    """The numbers of the pictures that arrived as they should."""
    numbers = {picture_bytes(number, SIZE): number for number in range(7)}
    return [numbers[one.data] for one in pictures if one.data in numbers and one.ended and not one.failed]


@pytest.mark.parametrize(
    ("fault", "count"),
    [("truncated", SIZE // 2), ("empty", 0), ("tiny", 1), ("hole", SIZE - 3060), ("lost-end", 3 * 3060)],
)
@pytest.mark.parametrize("bulk", [False, True])
def test_bytes_are_missing(plug: Plug, fault: str, count: int, bulk: bool) -> None:
    host, pictures = seen(plug, fault, 2, bulk=bulk, payload=3072)
    assert [len(one.data) for one in pictures[:3]] == [count, count, SIZE]
    assert [one.ended for one in pictures[:3]] == [fault != "lost-end"] * 2 + [True]
    assert whole(host, pictures) == [number % 7 for number in range(5, 5 + len(pictures) - 2)]
    counts = host.books().counts
    assert counts[fault] == 2 and counts["whole"] == counts["sent"] - 2


def test_a_damaged_picture_is_as_long_as_a_whole_one(plug: Plug) -> None:
    _host, pictures = seen(plug, "damaged")
    good = picture_bytes(3, SIZE)
    wrong = [at for at, (a, b) in enumerate(zip(pictures[0].data, good, strict=True)) if a != b]
    assert 100 < len(wrong) <= 200 and min(wrong) >= SIZE // 2 - 100 and max(wrong) < SIZE // 2 + 100
    assert max(pictures[0].data[SIZE // 2 - 100 : SIZE // 2 + 100]) < 0x80  # no marker of JPEG
    assert not pictures[0].failed and pictures[1].data == picture_bytes(4, SIZE)


def test_one_payload_has_the_error_bit(plug: Plug) -> None:
    _host, pictures = seen(plug, "error-bit")
    assert [bool(bits & 0x40) for bits, *_ in pictures[0].headers] == [at == WHOLE // 2 for at in range(WHOLE)]
    assert pictures[0].data == picture_bytes(3, SIZE) and not any(one.failed for one in pictures[1:])


def test_a_lost_packet_is_told_by_the_bus(plug: Plug) -> None:
    host = plug(size=SIZE)
    host.start()
    host.faults.set("lost-packet", 1)
    payloads = host.payloads(0.1)
    assert [status for _, status in payloads if status] == [-18]
    assert len(received(payloads)[0].data) == SIZE - 3060


def test_a_header_that_is_longer_than_its_payload(plug: Plug) -> None:
    host = plug(size=SIZE)
    host.start()
    host.faults.set("bad-header", 1)
    assert sum(payload[0] > len(payload) for payload, _ in host.payloads(0.1)) == 1
    assert host.books().counts["bad-header"] == 1


def test_an_end_that_is_not_told(plug: Plug) -> None:
    _host, pictures = seen(plug, "no-end", 2)
    assert [one.ended for one in pictures[:3]] == [False, False, True]
    assert [one.data for one in pictures[:3]] == [picture_bytes(number, SIZE) for number in (3, 4, 5)]


def test_a_frame_id_that_is_stuck(plug: Plug) -> None:
    host, pictures = seen(plug, "stuck-id", 2)
    ids = [one.headers[0][0] & 1 for one in pictures]
    assert ids[:5] == [1, 1, 1, 0, 1]
    # What a driver counts by frame ids does not go on either.
    assert [one.sequence for one in host.books().pictures[3:8]] == [3, 3, 3, 4, 5]


def test_halves_are_pictures_of_their_own(plug: Plug) -> None:
    host, pictures = seen(plug, "halves")
    assert pictures[0].data + pictures[1].data == picture_bytes(3, SIZE)
    assert [one.ended for one in pictures] == [True] * len(pictures)
    assert [(one.sequence, one.parts) for one in host.books().pictures[2:5]] == [(2, 1), (3, 2), (5, 1)]


def test_slices_are_pictures_of_their_own(plug: Plug) -> None:
    unit = b"\0\0\0\1\x67sets\0\0\0\1\x68more" + b"".join(b"\0\0\1\x65" + bytes([at]) * 50 for at in (1, 2, 3))
    host = plug(small_design("H264", slices=True), pictures=[unit])
    host.start()
    pictures = received(host.payloads(0.03))
    assert [one.data[-1] for one in pictures] == [1, 2, 3] and pictures[0].data.startswith(b"\0\0\0\1\x67")
    assert b"".join(one.data for one in pictures) == unit
    assert [(one.sequence, one.parts) for one in host.books().pictures] == [(0, 3)]


@pytest.mark.parametrize("bulk", [False, True])
def test_failed_transfers(plug: Plug, bulk: bool) -> None:
    host = plug(small_design(bulk=bulk))
    host.faults.set("failed-transfer", 2)
    for _ in range(3):
        host.submit(1, 16384) if bulk else host.submit_packets()
    assert [(each.status, each.data) for each in host.answers()] == [(-71, b"")] * 2
    assert host.books().counts["failed-transfer"] == 2


def test_a_stall_ends_and_is_in_the_books(plug: Plug) -> None:
    host, pictures = seen(plug, "stall", 0.5, seconds=1.0)
    assert whole(host, pictures) == [number % 7 for number in range(3, 3 + len(pictures))] and len(pictures) < 18
    stalled = [one for one in host.books().pictures if one.what == ("stalled",)]
    assert len(stalled) == 15 and {(one.number, one.sent_ns) for one in stalled} == {(None, None)}
    assert host.books().counts["due"] == 3 + 15 + len(pictures)


def test_a_slow_start(plug: Plug) -> None:
    host = plug()
    host.faults.set("late-start", 3)
    host.start()
    assert received(host.payloads(2.95)) == []
    assert received(host.payloads(0.1))


def test_a_slow_camera(plug: Plug) -> None:
    _host, pictures = seen(plug, "interval", 2.5, seconds=10.0)
    assert 4 <= len(pictures) <= 5


def test_jitter_moves_pictures_and_not_their_times(plug: Plug) -> None:
    host, _ = seen(plug, "jitter", 0.03, seconds=1.0)
    late_ms = [(one.sent_ns - one.due_ns) / 1e6 for one in host.books().pictures if one.sent_ns is not None]
    assert max(late_ms[3:]) > 15 and max(late_ms[:3]) < 10
    steps = {
        round((b.due_ns - a.due_ns) / 1e6)
        for a, b in zip(host.books().pictures, host.books().pictures[1:], strict=False)
    }
    assert steps == {33}


def test_a_picture_is_spread_over_its_time(plug: Plug) -> None:
    host = plug(size=SIZE)
    host.faults.set("spread", 4)
    host.start()
    host.now_s += 0.001
    host.device.tick()
    early = received(host.payloads(0.005, 0.001))
    assert len(early) == 1 and not early[0].ended and 0 < len(early[0].data) < SIZE
    assert whole(host, received(host.payloads(0.5))[1:])[:2] == [1, 2]


@pytest.mark.parametrize("word", FAULTS["pts"].words)
def test_presentation_times_are_wrong(plug: Plug, word: str) -> None:
    _host, pictures = seen(plug, "pts", word, seconds=1.0)
    times = [one.headers[0][1] for one in pictures]
    if word == "none":
        assert set(times) == {None}
    elif word == "zero":
        assert set(times) == {0}
    else:
        steps = [(b or 0) - (a or 0) & 0xFFFFFFFF for a, b in itertools.pairwise(times)]
        right = [step for step in steps if abs(step - 1_600_000) < 10]
        assert len(right) < len(steps) and (word == "jump") == bool(right)


@pytest.mark.parametrize("word", FAULTS["scr"].words)
def test_the_clock_is_wrong(plug: Plug, word: str) -> None:
    _host, pictures = seen(plug, "scr", word, seconds=0.5)
    clocks = [(clock, frame) for one in pictures for _, _, clock, frame in one.headers]
    if word in ("none", "zero"):
        assert set(clocks) == {(None, None) if word == "none" else (0, 0)}
    elif word == "frozen":
        assert len({frame for _, frame in clocks}) == 1 and len({clock for clock, _ in clocks}) > 10
    else:
        assert len(set(clocks)) == len(clocks) and [clock for clock, _ in clocks] != sorted(
            clock or 0 for clock, _ in clocks
        )


def test_faults_that_are_no_fault_are_refused() -> None:
    faults = Faults()
    for name, value in (
        ("errorbit", 1),
        ("error-bit", -1),
        ("error-bit", 1.5),
        ("stall", "long"),
        ("pts", "wrong"),
        ("mute-controls", 2),
        ("stall", float("nan")),
        ("stall", float("inf")),
    ):
        with pytest.raises(FaultError, match=re.escape(str(name)) if name != "errorbit" else "there are .*error-bit"):
            faults.set(name, value)
    for name in FAULTS:
        faults.set(name, "off")
    assert not any(faults.number(name) > 1e6 or faults.word(name) for name in FAULTS)


def test_a_counted_fault_is_used_up() -> None:
    faults = Faults()
    faults.set("hole", "2")
    assert [faults.take("hole") for _ in range(3)] == [True, True, False]
    assert faults.taken == {"hole": 2}


def test_every_fault_has_its_line() -> None:
    lines = listing().splitlines()
    assert len(lines) == len(FAULTS)
    assert all(line.split("=")[0].strip() == name for line, name in zip(lines, FAULTS, strict=True))
    assert all(fault.words for fault in FAULTS.values() if fault.unit == Unit.WORD)


def test_in_the_dark_the_rate_sinks_unless_a_control_forbids_it(plug: Plug) -> None:
    host = plug(small_design(), size=SIZE)
    host.start()
    host.faults.set("dark", 1)
    dark = len(received(host.payloads(1.0)))
    terminal, selector = EXPOSURE_PRIORITY
    answer = host.control(CLASS_OUT, SET_CUR, selector << 8, terminal << 8, b"\0")
    assert answer is not None and answer.status == 0
    assert 2 * dark < len(received(host.payloads(1.0)))


def test_a_camera_that_has_hung_sends_again_once_it_is_reset(plug: Plug) -> None:
    host = plug(small_design(), size=SIZE)
    host.start()
    assert received(host.payloads(0.2))
    host.faults.set("hung", 1)
    host.start()
    assert not received(host.payloads(2.0))[1:]  # but one that was under way
    host.control(STANDARD_OUT, SET_CONFIGURATION, 1, 0)  # as after a reset
    host.start()
    assert whole(host, received(host.payloads(0.2)))
    assert host.books().counts["reset"] == 1
