# SPDX-License-Identifier: Apache-2.0
"""Damaged JPEG pictures of a camera are refused, passed on or decoded, and whole ones of every kind are not."""

import itertools
import logging
import random
from collections.abc import Callable

import pytest
from jpegs import EOI, VARIANTS, jpeg, put_in, segments, strayed, without

from hil.streamer.sources.jpeg_assembler import JpegAssembler, ended_jpeg
from hil.streamer.sources.jpeg_decoder import HABIT, MOST_SAVED_S, MOST_SHARE, JpegDecoder
from hil.streamer.sources.source import Captured
from vshm_ctypes.bitstream import StreamError, whole_jpeg

WAYS = pytest.mark.parametrize("decodes", [False, True], ids=["passed on", "decoded"])
DHT, APP0, APP1, COM = 0xC4, 0xE0, 0xE1, 0xFE
AVI1 = b"AVI1" + bytes(10)


class Camera:
    """Numbers its buffers from 0."""

    def __init__(self, decodes: bool) -> None:
        self.assembler = JpegAssembler(JpegDecoder(cpu_clock=lambda: 0.0), decodes)
        self.numbers = itertools.count()

    def give(self, *buffers: bytes | None, lost: bool = False) -> list[Captured]:
        """Return what comes of them. None: a buffer that the driver flags. lost: something is missing before."""
        found = []
        for data in buffers:
            captured = Captured(0, sequence=next(self.numbers), discontinuity=lost)
            found += self.assembler.lose(captured) if data is None else self.assembler.take(data, captured)
        return found


def whole(found: list[Captured]) -> list[int]:
    assert all(each.bad == (each.unit is None and each.picture is None) for each in found)
    return [each.sequence for each in found if not each.bad]


def scan_of(data: bytes) -> int:
    """Return where the coded data of the first scan begins."""
    return len(data) - len(segments(data)[-1][1])


def holed(data: bytes, size: int) -> bytes:
    middle = (scan_of(data) + len(data)) // 2
    return data[: middle - size // 2] + data[middle + size // 2 :]


def corrupted(data: bytes, size: int) -> bytes:
    middle = (scan_of(data) + len(data) - size) // 2
    noise = bytes(random.Random(1).randrange(128) for _ in range(size))
    return data[:middle] + noise + data[middle + size :]


PICTURE = jpeg(quality=90)
DAMAGED: dict[str, bytes] = {
    "corrupted": corrupted(PICTURE, 500),
    "holed": holed(PICTURE, 800),
    "zeroed": PICTURE[:-1200] + bytes(600) + PICTURE[-600:],
    "cut off": PICTURE[:-900],
    "cut off, with an end marker": PICTURE[:-900] + EOI,
    "cut off, and filled up with zeros": PICTURE[:-900] + bytes(5000),
    "cut off, and filled up with FF": PICTURE[:-900] + b"\xff" * 5000,
    "cut off in its headers": PICTURE[:300],
    "no picture": b"nothing",
}


@WAYS
@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_picture_is_refused_and_the_next_one_is_whole(decodes: bool, kind: str) -> None:
    assert whole(Camera(decodes).give(PICTURE, DAMAGED[kind], PICTURE, None, PICTURE)) == [0, 2, 4]


def camera_like(data: bytes) -> bytes:
    """Return the picture as cameras give it: without Huffman tables, with the segment of Motion JPEG."""
    return put_in(without(data, DHT), APP0, AVI1)


HABITS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda data: data,
    "without an end marker": lambda data: data[: -len(EOI)],
    "without an end marker, filled up with zeros": lambda data: data[: -len(EOI)] + bytes(5000),
    "without an end marker, filled up with FF": lambda data: data[: -len(EOI)] + b"\xff" * 100,
    "filled up with zeros": lambda data: data + bytes(5000),
    "zeros in front of the end marker": lambda data: data[: -len(EOI)] + bytes(2) + EOI,
    "fill bytes in front of the end marker": lambda data: data[: -len(EOI)] + b"\xff\xff" + EOI,
    "the rest of an older one behind it": lambda data: data + data[len(data) // 2 :],
    "a thumbnail in it": lambda data: put_in(data, APP1, b"Exif\0\0" + jpeg(quality=10)),
    "pictures without content in front of it": lambda data: (data[:2] + EOI) * 2 + data,
    "a comment in it": lambda data: put_in(data, COM, EOI * 20),
}


@WAYS
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("habit", HABITS)
def test_a_whole_picture_is_taken_whatever_its_kind(decodes: bool, habit: str, variant: str) -> None:
    found = Camera(decodes).give(*(HABITS[habit](jpeg(variant, seed)) for seed in range(3)))
    assert whole(found) == [0, 1, 2]
    for seed, each in enumerate(found):
        if each.unit is not None and habit.startswith(("without", "filled")):
            assert each.unit.data == jpeg(variant, seed)


@WAYS
@pytest.mark.parametrize("variant", ["baseline", "restarts", "4:4:4"])
def test_a_picture_without_tables_and_end_marker_is_taken(decodes: bool, variant: str) -> None:
    picture = camera_like(jpeg(variant))
    assert whole(Camera(decodes).give(picture, picture[: -len(EOI)], camera_like(holed(jpeg(variant), 600)))) == [0, 1]


SEQUENTIAL = [variant for variant in VARIANTS if variant != "progressive"]
STRAYS = pytest.mark.parametrize("stray", [b"", b"\0", b"\x12\0\x34\x01\x77"])
PACKETS = (116, 180, 372, 500)  # bytes of a picture in packets of some of the sizes that cameras offer


@WAYS
@STRAYS
@pytest.mark.parametrize("variant", SEQUENTIAL)
def test_bytes_that_a_camera_leaves_between_segments_are_cut(decodes: bool, stray: bytes, variant: str) -> None:
    pictures = [jpeg(variant, seed) for seed in range(3)]
    found = Camera(decodes).give(*(strayed(data, stray) + bytes(99) for data in pictures))
    assert whole(found) == [0, 1, 2]
    assert decodes or [each.unit and each.unit.data for each in found] == pictures


@STRAYS
@pytest.mark.parametrize("variant", [*SEQUENTIAL, "as cameras do"])
def test_a_header_that_lacks_a_packet_is_not_taken_for_one_with_bytes_between_its_segments(
    variant: str, stray: bytes
) -> None:
    """What passes has lost standard Huffman tables alone, which are put in again."""
    picture = camera_like(jpeg("restarts")) if variant == "as cameras do" else jpeg(variant)
    same = whole_jpeg(picture)
    given = strayed(picture, stray)
    header = given.index(b"\xff\xda")
    camera = Camera(decodes=False)
    assert whole(camera.give(given)) == [0]
    for size in PACKETS:
        for at in range(2, header, 3):
            (found,) = camera.give(given[:at] + given[at + size :])
            assert found.unit is None or found.unit.data == same, f"{size} bytes are missing at {at}"


@pytest.mark.parametrize("end", [b"\xff\0", b"\0", b"\x12"])
def test_an_end_marker_is_put_behind_the_last_coded_byte(end: bytes) -> None:
    """The byte FF is followed by 00 in coded data, which is no padding."""
    coded = b"\xff\xd8...\x34" + end.rstrip(b"\0") + (b"\0" if end.startswith(b"\xff") else b"")
    assert ended_jpeg(b"\xff\xd8...\x34" + end) == coded + EOI
    assert ended_jpeg(b"\xff\xd8...\x34" + end + bytes(100)) == coded + EOI


def test_a_break_is_told_of_the_next_whole_picture() -> None:
    camera = Camera(decodes=False)
    found = camera.give(PICTURE, None, PICTURE, PICTURE, DAMAGED["holed"], PICTURE)
    found += camera.give(DAMAGED["holed"], lost=True)
    found += camera.give(PICTURE, PICTURE)
    assert [each.sequence for each in found if each.discontinuity and not each.bad] == [2, 5, 7]


def test_interlaced_pictures_are_said_to_be_so(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    field = put_in(jpeg(), APP0, b"AVI1\1" + bytes(9))
    (captured,) = Camera(decodes=False).give(field + field)
    assert captured.unit is not None
    assert captured.unit.data == field
    assert "interlaced" in caplog.text


@WAYS
def test_a_camera_all_of_whose_pictures_are_refused_is_believed_in_the_end(
    decodes: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have a habit of which FFmpeg disapproves; a single whole picture would prove that it has not."""
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    never, sometimes = Camera(decodes), Camera(decodes)
    assert whole(never.give(*[DAMAGED["holed"]] * (HABIT + 2))) == [HABIT, HABIT + 1]
    assert caplog.text.count("refuses each") == 1
    assert whole(sometimes.give(*[DAMAGED["holed"]] * HABIT, PICTURE, *[DAMAGED["holed"]] * HABIT)) == [HABIT]


class Clocks:
    """A clock, and the processor time that each check takes."""

    def __init__(self, cost_s: float) -> None:
        self.now_s = 0.0
        self.cost_s, self.spent_s = cost_s, 0.0

    def cpu(self) -> float:
        self.spent_s += self.cost_s
        return self.spent_s


def test_checks_take_a_limited_share_of_a_core() -> None:
    clocks = Clocks(cost_s=0.25)
    decoder = JpegDecoder(lambda: clocks.now_s, clocks.cpu)
    for _ in range(1000):
        decoder.check(PICTURE)
        clocks.now_s += 0.1
    checked = 1000 - decoder.unchecked
    assert checked * clocks.cost_s == pytest.approx(100 * MOST_SHARE, abs=2 * MOST_SAVED_S)


def test_what_there_is_no_time_to_check_passes_unless_it_must_be_checked() -> None:
    clocks = Clocks(cost_s=10.0)
    decoder = JpegDecoder(lambda: clocks.now_s, clocks.cpu)
    decoder.check(PICTURE)
    decoder.check(DAMAGED["holed"])
    assert decoder.unchecked == 1
    with pytest.raises(StreamError, match="coded data"):
        decoder.check(DAMAGED["holed"], always=True)
    assembler = JpegAssembler(decoder, decodes=False)
    assert whole(assembler.take(DAMAGED["cut off"], Captured(0))) == []  # nothing but a check tells that it is
    assert whole(assembler.take(PICTURE[: -len(EOI)], Captured(0, sequence=7))) == [7]


def test_a_kind_that_ffmpeg_does_not_support_passes() -> None:
    """Such as arithmetic coding: what it can't judge it does not call damaged; to decode it is another matter."""
    arithmetic = PICTURE.replace(b"\xff\xc0", b"\xff\xc9", 1)
    decoder = JpegDecoder()
    decoder.check(arithmetic)
    with pytest.raises(StreamError, match="can't decode"):
        decoder.decode(arithmetic)
