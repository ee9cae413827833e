# SPDX-License-Identifier: Apache-2.0
"""What camera-streamer is told and what it writes down: channels, books, ledger."""

import json
import zlib
from pathlib import Path

import pytest

from hil.streamer.books import Books
from hil.streamer.channels import Channel, ChannelError, scaled
from hil.streamer.config import read_config
from hil.streamer.ledger import Ledger, Record, read_ledger

# ---- channels ----


def test_a_channel_is_said_in_one_word() -> None:
    assert Channel.parse("0:1920x1080@30,4M,slots=60,slot=1M") == Channel(
        ring="/video_stream_ch0", width=1920, height=1080, fps=30.0, bit_rate=4_000_000, slots=60, slot=1 << 20
    )
    assert Channel.parse("2:640x480@15,500k,codec=h265") == Channel(
        ring="/video_stream_ch2", width=640, height=480, fps=15.0, bit_rate=500_000, codec="h265"
    )
    assert Channel.parse("cam0:") == Channel(ring="/cam0")
    assert Channel.parse("") == Channel()
    assert Channel.parse("1:gop=60,encoder=libx264,profile=main").gop == 60


def test_what_is_not_said_is_the_defaults() -> None:
    default = {"codec": "jpeg", "quality": 50}
    assert Channel.parse("1:320x240", default) == Channel("/video_stream_ch1", 320, 240, codec="jpeg", quality=50)


def test_a_codec_that_is_not_said_is_the_encoder_s() -> None:
    words = (
        "0:",
        "0:codec=auto",
        "0:encoder=libx265",
        "0:encoder=mjpeg",
        "0:encoder=copy",
        "0:encoder=copy,codec=h265",
    )
    assert [Channel.parse(each).codec for each in words] == ["h264", "h264", "h265", "jpeg", "auto", "h265"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("a/b:", "not a ring's name"),
        ("0:1921x1080", "even numbers"),
        ("0:8x8", "from 16 to 8192"),
        ("0:width=640", "both, or neither"),
        ("0:4X", "a number, with k, M or G"),
        ("0:160X120", "160X120: neither a picture .1280x720, 1280x720@30. nor a bitrate"),
        ("0:1280x720@", "neither a picture"),
        ("0:codec=vp9", "one of auto, h264"),
        ("0:encoder=magic", "one of auto"),
        ("0:gop=0", "from 1 to"),
        ("0:quality=101", "from 1 to 100"),
        ("0:slots=1", "from 2 to 4096"),
        ("0:slot=1G", "from 1k to 256M"),
        ("0:colour=red", "colour: no such name; there are ring,"),
        ("0:fps=fast", "fps=fast"),
        ("0:2G", "from 1k to 1G"),
        ("0:500", "bit_rate=500: bits per second, from 1k"),
        ("0:fps=2000", "fps=2000: from 0.001 to 1000"),
        ("0:encoder=libx265,codec=h264", "encoder=libx265: makes h265, not h264"),
        ("0:encoder=copy,2M", "bit_rate=2000000: not with encoder=copy"),
        ("0:encoder=copy,quality=80", "quality=80: not with"),
        ("0:encoder=copy,gop=12", "gop=12: not with"),
        ("0:encoder=copy,profile=high", "profile=high: not with"),
    ],
)
def test_what_can_not_be_meant_is_refused_by_name(words: str, why: str) -> None:
    with pytest.raises(ChannelError, match=why):
        Channel.parse(words)


def test_a_file_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "streamer.toml"
    path.write_text(
        'device = "vivid"\n[[channel]]\nring = 0\nwidth = 1280\nheight = 720\nbit_rate = "2M"\nslot = "1M"\n'
    )
    config = read_config(path)
    assert config["device"] == "vivid"
    assert Channel.of_table(config["channel"][0]) == Channel.parse("0:1280x720,2M,slot=1M")
    path.write_text("device = vivid")
    with pytest.raises(ChannelError, match=str(path)):
        read_config(path)


def test_sizes_in_memory_are_of_1024() -> None:
    assert (scaled("1M"), scaled("1M", binary=True), scaled("1.5k")) == (1_000_000, 1 << 20, 1500)


# ---- books ----


def test_books_balance_or_say_what_does_not() -> None:
    books = Books(captured=10, encoded=6, encoder_dropped=2, source_error=1, written=4, refused=1, ring_dropped=1)
    assert books.in_flight == 1
    assert books.imbalance(in_flight=1) is None
    assert "captured 10 is not" in str(books.imbalance())
    books.written += 1
    assert "encoded 6 is not" in str(books.imbalance(in_flight=1))


# ---- ledger ----


def record(number: int, size: int) -> Record:
    return Record("/cam0", number, 1000 + number, 2000 + number, number, size, 0, "written")


def test_a_ledger_gives_back_what_was_written_down(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with Ledger(path) as ledger:
        for number in range(100):
            ledger.add(record(number, 5), bytes([number]) * 5)
    records = list(read_ledger(path))
    assert records == [record(n, 5)._replace(crc32=zlib.crc32(bytes([n]) * 5)) for n in range(100)]


def test_a_line_that_is_cut_off_is_left_out_and_garbage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    whole = json.dumps(record(1, 5)._asdict()) + "\n"
    path.write_text(whole + whole[:20])
    assert list(read_ledger(path)) == [record(1, 5)]
    path.write_text(whole + "garbage\n")
    with pytest.raises(ValueError, match=r"ledger:2: no ledger"):
        list(read_ledger(path))


def test_a_full_disk_does_not_stop_the_stream_and_is_told_at_the_end() -> None:
    ledger = Ledger(Path("/dev/full"))
    for number in range(2000):
        ledger.add(record(number, 5), b"12345")
    with pytest.raises(OSError, match="No space left"):
        ledger.close()
