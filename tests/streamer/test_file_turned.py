# SPDX-License-Identifier: Apache-2.0
"""Files whose pictures are stored on their side, mirrored, of other than square pixels, or of two fields."""

import gc
import logging
import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from clips import FPS, HEIGHT, WIDTH, even, luma_of, picture, play, source_of, write
from own_clock import Clock
from turned_streams import SEQUENCE, SIZE, on_its_side

from hil.streamer.colour import colour_of
from hil.streamer.sources.turned import Turner
from vshm_ctypes.bitstream.exif import exif_orientation
from vshm_ctypes.pictures.turning import display_matrix

# Where the white mark, which is stored in the upper left corner, is to be seen; and whether width and height change.
CORNERS = {
    1: ("upper left", False),
    2: ("upper right", False),
    3: ("lower right", False),
    4: ("lower left", False),
    5: ("upper left", True),
    6: ("upper right", True),
    7: ("lower right", True),
    8: ("lower left", True),
}


def corner(frame: av.VideoFrame) -> str:
    luma = luma_of(frame)
    down, across = frame.height // 4, frame.width // 4
    found = {
        "upper left": luma[:down, :across],
        "upper right": luma[:down, -across:],
        "lower left": luma[-down:, :across],
        "lower right": luma[-down:, -across:],
    }
    (name,) = (name for name, part in found.items() if part.mean() > 200)
    return name


def exif(orientation: int, order: str = ">") -> bytes:
    """Return an APP1 segment as cameras write it, with another entry in front."""
    name = {">": b"MM\0*", "<": b"II*\0"}[order]
    entries = struct.pack(f"{order}HHII", 0x010F, 2, 4, 0x41424300) + struct.pack(
        f"{order}HHIHH", 0x0112, 3, 1, orientation, 0
    )
    tiff = name + struct.pack(f"{order}IH", 8, 2) + entries + bytes(4)
    return b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\0\0" + tiff


def photo(path: Path, segment: bytes) -> Path:
    data = write(path, [0.0], "mjpeg", pixels="yuvj420p").read_bytes()
    path.write_bytes(data[:2] + segment + data[2:])
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    caplog.set_level(logging.INFO)


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("orientation", CORNERS)
def test_a_photo_is_shown_as_its_exif_data_say(clock: Clock, tmp_path: Path, orientation: int, order: str) -> None:
    source = source_of(photo(tmp_path / "photo.jpg", exif(orientation, order)), clock)
    where, lies = CORNERS[orientation]
    assert (source.width, source.height) == ((HEIGHT, WIDTH) if lies else (WIDTH, HEIGHT))
    (captured,) = play(source)
    frame = captured.picture
    assert frame is not None
    assert (frame.width, frame.height) == (source.width, source.height)
    assert corner(frame) == where


def png(data: bytes, tiff: bytes) -> bytes:
    """Return a PNG file with a chunk eXIf behind the header."""
    chunk = b"eXIf" + tiff
    return data[:33] + struct.pack(">I", len(tiff)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]


def webp(data: bytes, tiff: bytes) -> bytes:
    """Return an extended WebP file, whose header says that a chunk EXIF follows the picture."""
    size = (WIDTH - 1).to_bytes(3, "little") + (HEIGHT - 1).to_bytes(3, "little")
    begin = b"WEBPVP8X" + struct.pack("<I4B", 10, 8, 0, 0, 0) + size
    body = begin + data[12:] + b"EXIF" + struct.pack("<I", len(tiff)) + tiff + bytes(len(tiff) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(data: bytes, told: bytes) -> bytes:
    """Return a TIFF file with one more entry in its directory, which becomes the last thing in the file."""
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    entries = [data[at + 2 + 12 * number : at + 14 + 12 * number] for number in range(count)]
    entries.append(struct.pack("<HHIHH", 0x0112, 3, 1, exif_orientation(told), 0))
    entries.sort(key=lambda entry: struct.unpack("<H", entry[:2]))
    return (
        data[:4]
        + struct.pack("<I", len(data))
        + data[8:]
        + struct.pack("<H", len(entries))
        + b"".join(entries)
        + bytes(4)
    )


@pytest.mark.parametrize("orientation", CORNERS)
@pytest.mark.parametrize(
    ("name", "encoder", "pixels"), [("png", "png", "gray"), ("tiff", "tiff", "gray"), ("webp", "libwebp", "yuv420p")]
)
def test_so_is_one_of_another_format(
    clock: Clock, tmp_path: Path, name: str, encoder: str, pixels: str, orientation: int
) -> None:
    context: Any = av.CodecContext.create(encoder, "w")
    context.width, context.height, context.pix_fmt, context.time_base = WIDTH, HEIGHT, pixels, Fraction(1, FPS)
    stored = b"".join(bytes(packet) for packet in context.encode(picture(0, pixels)) + context.encode(None))
    path = tmp_path / f"photo.{name}"
    path.write_bytes({"png": png, "tiff": tiff, "webp": webp}[name](stored, exif(orientation, "<")[10:]))
    where, lies = CORNERS[orientation]
    (captured,) = play(source_of(path, clock))
    assert captured.picture is not None
    assert (captured.picture.width, captured.picture.height) == ((HEIGHT, WIDTH) if lies else (WIDTH, HEIGHT))
    assert corner(captured.picture) == where


@pytest.mark.parametrize("damage", ["cut", "elsewhere", "none", "0", "9"])
def test_exif_data_that_are_no_use_are_left_alone(clock: Clock, tmp_path: Path, damage: str) -> None:
    whole = exif(6)
    tiff = whole[10:]
    segment = {
        "cut": b"\xff\xe1\x00\x14" + whole[4:22],
        "elsewhere": b"\xff\xe1\x00\x10Exif\0\0MM\0*\xff\xff\xff\xf0",
        "none": b"",
        "0": exif(0),
        "9": exif(9),
    }[damage]
    assert exif_orientation(b"\xff\xd8" + whole[:10] + tiff) == 6
    assert exif_orientation(b"\xff\xd8" + segment + b"\xff\xda") is None
    (captured,) = play(source_of(photo(tmp_path / "photo.jpg", segment), clock))
    assert captured.picture is not None
    assert corner(captured.picture) == "upper left"


def turned(path: Path, matrix: tuple[int, ...]) -> Path:
    """Return the same .mp4 with another display matrix in its track header (ISO/IEC 14496-12, 8.3.2)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    assert struct.unpack_from(">9i", data, at) == (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    struct.pack_into(
        ">9i",
        data,
        at,
        *(round(value * 65536) for value in matrix[:2]),
        0,
        *(round(value * 65536) for value in matrix[2:]),
        0,
        0,
        0,
        1 << 30,
    )
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("matrix", "where"),
    [
        ((0, 1, -1, 0), "upper right"),  # as a telephone that is held upright writes it
        ((0, -1, 1, 0), "lower left"),
        ((-1, 0, 0, -1), "lower right"),
        ((-1, 0, 0, 1), "upper right"),
    ],
)
def test_a_film_is_shown_as_its_container_says(
    clock: Clock, tmp_path: Path, matrix: tuple[int, ...], where: str
) -> None:
    source = source_of(turned(write(tmp_path / "film.mp4", even(12)), matrix), clock)
    lies = matrix[0] == 0
    assert (source.width, source.height) == ((HEIGHT, WIDTH) if lies else (WIDTH, HEIGHT))
    found = play(source)
    assert [corner(captured.picture) for captured in found if captured.picture] == [where] * 12


@pytest.mark.parametrize("b_pictures", [0, 2])
def test_a_turn_that_a_keyframe_of_h264_tells_holds_until_its_sequence_ends(
    clock: Clock, tmp_path: Path, b_pictures: int
) -> None:
    path = tmp_path / "camera.h264"
    path.write_bytes(b"".join(on_its_side(2, {0}, b_pictures)))
    found = [captured.picture for captured in play(source_of(path, clock)) if captured.picture]
    turned = SIZE[::-1]
    assert [(frame.width, frame.height) for frame in found] == [turned] * SEQUENCE + [SIZE] * SEQUENCE


def test_another_angle_is_left_out_and_said(clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    half = 0.5**0.5
    found = play(source_of(turned(write(tmp_path / "film.mp4", even(3)), (half, half, -half, half)), clock))
    assert [corner(captured.picture) for captured in found if captured.picture] == ["upper left"] * 3
    assert caplog.text.count("only quarter turns") == 1


@pytest.mark.parametrize("pixels", ["yuvj420p", "yuvj422p", "yuv422p", "yuv411p", "gray", "nv12", "rgb24", "pal8"])
def test_what_is_turned_keeps_its_colours(pixels: str) -> None:
    frame: Any = av.VideoFrame(WIDTH, HEIGHT, pixels)
    for plane in frame.planes:
        plane.update(bytes([77]) * plane.buffer_size)
    frame.color_range, frame.colorspace = 2, 5
    result: Any = Turner(exif=6).turn(frame)
    assert (result.width, result.height) == (HEIGHT, WIDTH)
    assert colour_of(result) == colour_of(frame)
    assert bytes(result.planes[0])[:HEIGHT] == bytes([77]) * HEIGHT


def test_pixels_that_are_not_square_and_fields_are_told(
    clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "wide.mkv"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mpeg2video", rate=25, options={"flags": "+ildct+ilme"})
        stream.width, stream.height, stream.pix_fmt = 720, 576, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(64, 45)
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame(720, 576, "yuv420p")))
        container.mux(stream.encode(None))
    play(source_of(path, clock))
    assert "its pixels are not square (64/45): a channel of 1024x576 shows it as it is meant" in caplog.text
    assert "interlaced: both fields" in caplog.text


def test_a_picture_that_was_asked_how_it_lies_is_freed_with_its_last_reference() -> None:
    """Without the help of Python's garbage collector, which comes along after a hundred pictures."""

    def alive() -> int:
        return sum(type(thing) is av.VideoFrame for thing in gc.get_objects())

    gc.disable()
    try:
        before = alive()
        for _ in range(20):
            assert display_matrix(av.VideoFrame(64, 48, "yuv420p")) == (1, 0, 0, 1)
        assert alive() == before
    finally:
        gc.enable()
