# SPDX-License-Identifier: Apache-2.0
"""What strangers may send to a relay: keys, headers, descriptions, times."""

import json
import random

import pytest

from vshm_ctypes import Flag, Media
from vshm_ctypes.cli.relay.keys import Export, Source, board_name, source_of
from vshm_ctypes.cli.relay.wire import (
    END,
    HEADER_SIZE,
    UNIT,
    About,
    Header,
    Refused,
    pack_clocks,
    pack_count,
    parse_clocks,
    parse_count,
)

HEADER = Header(UNIT, 1, 30, Flag.KEYFRAME, 1280, 720, 5, 3, 2**40, 2**33, 10**12, 10**12, 17 * 10**11, b"\1\2\3\4\5")
ABOUT = About(30, 524288, Media.VIDEO, 7, 1, 1280, 720, 30)


def test_a_header_comes_back_as_it_was() -> None:
    assert len(HEADER.pack()) == HEADER_SIZE == 72
    assert Header.parse(HEADER.pack(), 5) == HEADER


@pytest.mark.parametrize(
    ("attachment", "size"),
    [
        (b"", 5),
        (HEADER.pack()[:-1], 5),
        (HEADER.pack() + b"\0", 5),
        (b"OTHR" + HEADER.pack()[4:], 5),
        (HEADER.pack()[:4] + b"\2" + HEADER.pack()[5:], 5),
        (HEADER._replace(kind=2).pack(), 5),
        (HEADER.pack(), 6),
        (HEADER._replace(size=0).pack(), 0),
        (HEADER._replace(capture_ns=2**63).pack(), 5),
        (HEADER._replace(publish_ns=2**64 - 1).pack(), 5),
        (HEADER._replace(flags=Flag.RECOVERY_POINT).pack(), 5),
    ],
)
def test_another_header_is_refused(attachment: bytes, size: int) -> None:
    with pytest.raises(Refused):
        Header.parse(attachment, size)


def test_flags_of_a_later_version_are_left_out() -> None:
    assert Header.parse(HEADER._replace(flags=Flag.KEYFRAME | 1 << 20).pack(), 5).flags == Flag.KEYFRAME


def test_an_end_has_no_payload() -> None:
    assert Header.parse(HEADER._replace(kind=END, size=0).pack(), 0).kind == END


def test_any_bytes_are_a_header_or_refused() -> None:
    chance = random.Random(23)
    for _ in range(5000):
        attachment = bytearray(HEADER.pack())
        for _ in range(chance.randint(0, 3)):
            attachment[chance.randrange(len(attachment))] = chance.randrange(256)
        try:
            Header.parse(bytes(attachment), 5)
        except Refused:
            continue


@pytest.mark.parametrize("source", [Source("front", "/cam"), Source("Tür 3", "/a*b$c?d#e@f%2F"), Source("@x", "/..a")])
def test_a_key_names_its_ring(source: Source) -> None:
    zenoh = pytest.importorskip("zenoh", reason="eclipse-zenoh is not installed: pip install 'video-shm[relay]'")
    export = Export.new(source)
    key = str(zenoh.KeyExpr(export.key("alive")))
    assert Export.of(key) == export
    assert zenoh.KeyExpr("vshm/1/*/*/*/alive").intersects(zenoh.KeyExpr(key))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "vshm",
        "vshm/1/front/cam/alive",
        "vshm/2/front/cam/0123456789abcdef/alive",
        "vshm/1/front/cam/0123456789ABCDEF/alive",
        "vshm/1/front/cam/../alive",
        "vshm/1/front/%2e%2e/0123456789abcdef/alive",
        "vshm/1/front/a%2Fb/0123456789abcdef/alive",
        "vshm/1/front/a%00b/0123456789abcdef/alive",
        "vshm/1/front/%1b[2J/0123456789abcdef/alive",
        "vshm/1/%ff/cam/0123456789abcdef/alive",
        f"vshm/1/{'b' * 65}/cam/0123456789abcdef/alive",
        f"vshm/1/front/{'r' * 201}/0123456789abcdef/alive",
        "vshm/1/front/%63am/0123456789abcdef/alive",
    ],
)
def test_another_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Export.of(key)


@pytest.mark.parametrize("text", ["", "front", "front/", "/cam", "a/b/c", "front/..", "x\x1b/cam"])
def test_a_source_is_board_and_ring(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        source_of(text)
    assert source_of("front/0") == Source("front", "/video_stream_ch0")
    assert board_name("front") == "front"


@pytest.mark.parametrize(
    "change",
    [
        {"slots": 1},
        {"slots": 4097},
        {"slots": True},
        {"slots": 30.0},
        {"slot_size": 0},
        {"slot_size": (256 << 20) + 1},
        {"media": 9},
        {"epoch": -1},
        {"codec": 256},
        {"width": "1280"},
        {"fps": None},
    ],
)
def test_another_description_is_refused(change: dict[str, object]) -> None:
    assert About.parse(ABOUT.pack()) == ABOUT
    with pytest.raises(Refused):
        About.parse(json.dumps(ABOUT._asdict() | change).encode())


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 4000, b" " * 5000, b'{"slots": 1e999}'])
def test_what_is_no_description_is_refused(text: bytes) -> None:
    with pytest.raises(Refused):
        About.parse(text)


def test_counts_and_clocks_have_one_size() -> None:
    assert parse_count(pack_count(2**40)) == 2**40
    assert parse_clocks(pack_clocks(1, 2)) == (1, 2)
    for data in (b"", b"\0" * 7, b"\0" * 17):
        with pytest.raises(Refused):
            parse_count(data)
        with pytest.raises(Refused):
            parse_clocks(data)
    for arrived, answered in ((2, 1), (1, 2**63)):
        with pytest.raises(Refused):
            parse_clocks(pack_clocks(arrived, answered))
