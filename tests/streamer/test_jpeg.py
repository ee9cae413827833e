# SPDX-License-Identifier: Apache-2.0
"""JPEG pictures as cameras leave them in their buffers, held against FFmpeg, libjpeg and GStreamer."""

import shutil
import struct
import subprocess
from pathlib import Path

import numpy
import pytest
from jpegs import (
    EOI,
    HEIGHT,
    SOI,
    VARIANTS,
    WIDTH,
    by_opencv,
    by_pyav,
    joined,
    jpeg,
    put_in,
    segment,
    segments,
    strayed,
    without,
)
from judges import missing

from vshm_ctypes.bitstream.errors import StreamError
from vshm_ctypes.bitstream.jpeg import jpeg_size, read_jpeg, whole_jpeg

DHT, SOF, SOS, DQT, DNL, APP0, APP1, COM = 0xC4, 0xC0, 0xDA, 0xDB, 0xDC, 0xE0, 0xE1, 0xFE
AVI1 = b"AVI1" + bytes(10)


def later_height(data: bytes) -> bytes:
    """Return the picture with its number of lines behind the scan, in a DNL segment."""
    parts = [(marker, body[:1] + bytes(2) + body[3:] if marker == SOF else body) for marker, body in segments(data)]
    return joined(parts)[: -len(EOI)] + segment(DNL, struct.pack(">H", HEIGHT)) + EOI


def filled(data: bytes) -> bytes:
    """Return the picture with fill bytes in front of each marker, the first one included."""
    *heads, (_, rest) = segments(data)
    markers = b"".join(b"\xff\xff" + segment(marker, body) for marker, body in heads)
    return b"\xff\xff" + SOI + markers + rest[: -len(EOI)] + b"\xff\xff\xff" + EOI


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_lies_behind_the_end_is_cut(variant: str) -> None:
    picture, older = jpeg(variant), jpeg(variant, seed=2)
    for stale in (b"", bytes(1000), b"\xff" * 9, older[len(older) // 2 :], older, EOI):
        assert whole_jpeg(picture + stale) == picture


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_picture_that_ends_too_early_is_refused_wherever_it_ends(variant: str) -> None:
    picture = put_in(jpeg(variant, quality=30), APP1, b"Exif\0\0" + jpeg(quality=10))
    for end in range(2, len(picture)):
        with pytest.raises(StreamError):
            whole_jpeg(picture[:end])
    assert whole_jpeg(picture) == picture


@pytest.mark.parametrize("marker", [APP0, APP1, 0xEF, COM])
def test_an_end_marker_in_a_segment_ends_no_picture(marker: int) -> None:
    for body in (EOI, b"Exif\0\0" + jpeg(quality=10), SOI + EOI + SOI):
        picture = put_in(jpeg(), marker, body)
        assert whole_jpeg(picture + bytes(9)) == picture
        with pytest.raises(StreamError, match="cut off"):
            whole_jpeg(picture[: len(picture) // 2])


def test_a_cut_off_picture_with_another_one_behind_it_is_not_taken_for_one() -> None:
    picture = jpeg()
    for end in (len(picture) // 2, 20):
        with pytest.raises(StreamError):
            whole_jpeg(picture[:end] + jpeg(seed=2))


def test_fill_bytes_are_allowed_in_front_of_every_marker() -> None:
    picture = jpeg("restarts")
    found = whole_jpeg(filled(picture) + b"\xff\xff")
    assert found == filled(picture)[2:]
    assert numpy.array_equal(by_opencv(found), by_opencv(picture))


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if variant != "progressive"])
@pytest.mark.parametrize("stray", [b"\0", b"\x12\0\x34\x01\x77", b"\x12\xff\0", bytes(32)])
def test_bytes_between_the_segments_of_the_header_are_cut(variant: str, stray: bytes) -> None:
    """Some cameras leave such, as Logitech's C270, and all decoders pass over them."""
    picture = jpeg(variant)
    assert whole_jpeg(strayed(picture, stray) + bytes(9)) == picture
    assert jpeg_size(strayed(picture, stray)) == (WIDTH, HEIGHT)
    without_tables = put_in(without(picture, DHT), APP0, AVI1)
    assert whole_jpeg(strayed(without_tables, stray)) == whole_jpeg(without_tables)


def test_a_quantization_table_may_come_just_before_the_scan_that_uses_it() -> None:
    """As T.81 has it (B.2.4.1), of pictures whose components have scans of their own."""
    *header, (sos, _), (_, _) = segments(jpeg())
    first, second = [body for marker, body in header if marker == DQT]
    scans = [segment(sos, b"\1\1\0\0\x3f\0"), segment(sos, b"\2\2\x11\3\x11\0\x3f\0")]
    rest = b"".join(segment(marker, body) for marker, body in header if marker != DQT)
    begin = SOI + segment(DQT, first) + rest + scans[0] + b"\x12\x34"
    picture = begin + segment(DQT, second) + scans[1] + b"\x56\x78" + EOI
    assert whole_jpeg(picture) == picture
    with pytest.raises(StreamError, match="lacks a quantization table"):
        whole_jpeg(begin + scans[1] + b"\x56\x78" + EOI)


@pytest.mark.parametrize("front", [SOI, SOI * 3, SOI + EOI, (SOI + EOI) * 2 + SOI, EOI, b"\xff" + SOI + b"\xff" + EOI])
def test_empty_pictures_and_markers_in_front_of_a_picture_are_cut(front: bytes) -> None:
    """Some capture devices send such in each buffer. libjpeg refuses two start markers, and nothing is in the first."""
    picture = jpeg()
    assert whole_jpeg(front + picture) == picture
    assert jpeg_size(front + picture) == (WIDTH, HEIGHT)
    with pytest.raises(StreamError):
        whole_jpeg(front)


@pytest.mark.parametrize("variant", ["baseline", "restarts", "4:4:4"])
def test_tables_that_a_camera_leaves_out_become_the_standard_ones(variant: str) -> None:
    picture = jpeg(variant)
    bare = put_in(without(picture, DHT), APP0, AVI1)
    assert bytes([0xFF, DHT]) not in bare
    found = whole_jpeg(bare + bytes(100))
    assert [marker for marker, _ in segments(found)].count(DHT) == 1
    assert numpy.array_equal(by_opencv(found), by_opencv(picture))
    assert numpy.array_equal(by_pyav(found), by_pyav(picture))
    assert whole_jpeg(found) == found


def test_only_the_tables_that_are_missing_are_put_in() -> None:
    picture = jpeg("own tables")
    tables = [body for marker, body in segments(picture) if marker == DHT]
    assert len(tables) == 4
    standard = {body[0]: body for marker, body in segments(jpeg()) if marker == DHT}
    for left_out in tables:
        parts = [part for part in segments(picture) if part[1] != left_out]
        found = [body for marker, body in segments(whole_jpeg(joined(parts))) if marker == DHT]
        assert found == [*(body for body in tables if body != left_out), standard[left_out[0]]]


def test_a_height_that_is_told_late_is_put_where_decoders_look_for_it() -> None:
    found = whole_jpeg(later_height(jpeg()))
    assert (read_jpeg(found).width, read_jpeg(found).height) == (WIDTH, HEIGHT)
    assert numpy.array_equal(by_opencv(found), by_opencv(jpeg()))


def test_two_fields_in_a_buffer_are_told_from_a_picture() -> None:
    for polarity, is_field in ((0, False), (1, True), (2, True)):
        field = put_in(jpeg(), APP0, b"AVI1" + bytes([polarity]) + bytes(9))
        picture = read_jpeg(field + field)
        assert (picture.is_field, picture.end) == (is_field, len(field))


def changed(marker: int, body: bytes) -> bytes:
    """Return the picture with other parameters in its first segment of that kind."""
    parts = segments(jpeg())
    at = next(index for index, part in enumerate(parts) if part[0] == marker)
    return joined([*parts[:at], (marker, body), *parts[at + 1 :]])


def frame_header(height: int = HEIGHT, width: int = WIDTH, sampling: int = 0x11, parts: int = 1) -> bytes:
    return struct.pack(">BHHB", 8, height, width, parts) + bytes([1, sampling, 0])


BROKEN = {
    "empty": b"",
    "no start": jpeg()[1:],
    "start alone": SOI,
    "an end at once": SOI + EOI,
    "no marker": SOI + bytes(99) + jpeg()[2:],
    "a segment of 0 bytes": SOI + b"\xff\xe0\0\0" + jpeg()[2:],
    "a segment of 1 byte": SOI + b"\xff\xe0\0\1" + jpeg()[2:],
    "a segment that is too long": SOI + b"\xff\xe0\xff\xff" + jpeg()[2:],
    "an unknown marker": SOI + b"\xff\xf7\0\2" + jpeg()[2:],
    "an unknown marker in a scan": jpeg()[:-2] + b"\xff\x3c" + EOI,
    "no scan": joined(segments(jpeg())[:-2]) + EOI,
    "no frame header": without(jpeg(), SOF),
    "two frame headers": put_in(jpeg(), SOF, frame_header()),
    "no quantization": without(jpeg(), DQT),
    "no height": changed(SOF, frame_header(height=0)),
    "no width": changed(SOF, frame_header(width=0)),
    "no sampling": changed(SOF, frame_header(sampling=0x10)),
    "no components": changed(SOF, frame_header(parts=0)),
    "fewer components than it says": changed(SOF, frame_header(parts=2)),
    "an empty frame header": changed(SOF, b""),
    "an empty scan header": changed(SOS, b""),
    "a scan of nothing": changed(SOS, bytes(4)),
    "a scan of another component": changed(SOS, b"\1\x63\0\0\x3f\0"),
    "a scan with table 3": without(changed(SOS, b"\1\1\x33\0\x3f\0"), DHT),
    "tables of a third kind": changed(DHT, b"\x20" + bytes(16)),
    "tables that are too short": changed(DHT, b"\0\xff" + bytes(15)),
    "progressive without tables": without(jpeg("progressive"), DHT),
    "no lines in the end": later_height(jpeg()).replace(
        segment(DNL, struct.pack(">H", HEIGHT)), segment(DNL, bytes(2))
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_no_decoder_could_read_is_refused(kind: str) -> None:
    with pytest.raises(StreamError):
        whole_jpeg(BROKEN[kind])


@pytest.mark.parametrize("piece", [b"\xff", b"\xff\0", b"\xff\xd0", b"\xff\xfe\0\2", b"\xff\xe1", b"\0", b"\xff\x01"])
def test_the_time_grows_with_the_bytes_and_no_faster(piece: bytes) -> None:
    """Anything worse would be still at it when the watchdog comes."""
    many = piece * ((1 << 20) // len(piece))
    for data in (SOI + many, jpeg()[:-2] + many):
        with pytest.raises(StreamError):
            whole_jpeg(data)


@pytest.mark.parametrize("variant", ["baseline", "progressive", "restarts"])
def test_gstreamer_decodes_what_comes_out(variant: str, tmp_path: Path) -> None:
    program = shutil.which("gst-launch-1.0") or missing("no gst-launch-1.0 here")
    data = jpeg(variant)
    data = data if variant == "progressive" else put_in(without(data, DHT), APP0, AVI1)
    (tmp_path / "in.jpg").write_bytes(whole_jpeg(data + jpeg(seed=2)))
    words = f"filesrc location={tmp_path}/in.jpg ! jpegdec ! videoconvert ! video/x-raw,format=BGR"
    subprocess.run([program, "-q", *words.split(), "!", "filesink", f"location={tmp_path}/out"], check=True, timeout=60)
    found = numpy.frombuffer((tmp_path / "out").read_bytes(), numpy.uint8).reshape(HEIGHT, WIDTH, 3)
    assert numpy.abs(found.astype(int) - by_opencv(jpeg(variant))).mean() < 3
