# SPDX-License-Identifier: Apache-2.0
"""Raw pictures of V4L2 drivers of all sorts, from the ioctl on: in one plane and several, known formats and new."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from fake_v4l2 import CAPTURE, ERROR, PLANES, FakeCamera, Sent, plug_in

from hil.streamer.colour import BT601, Colour
from hil.streamer.converter import Converter
from hil.streamer.listing import print_cameras
from hil.streamer.sources import v4l2 as source_module
from hil.streamer.sources.modes import Size, Wanted
from hil.streamer.sources.pixel_formats import RAW, fourcc_of, text_of
from hil.streamer.sources.source import SourceError
from hil.streamer.sources.v4l2 import V4l2Source
from hil.streamer.sources.v4l2_devices import video_devices
from hil.suite.vivid import DISCONNECT, injecting

WIDTH, HEIGHT = 128, 96
Y, U, V = 120, 110, 150  # of one colour, in BT.601's limited range, and the same as
R, G, B = 156, 110, 85
FULL, HALF, QUARTER = WIDTH * HEIGHT, WIDTH * HEIGHT // 2, WIDTH * HEIGHT // 4
RGB555 = R >> 3 << 10 | G >> 3 << 5 | B >> 3
RGB565 = R >> 3 << 11 | G >> 2 << 5 | B >> 3


def flat(count: int, *values: int) -> bytes:
    return bytes(values) * count


# As the kernel's documentation draws them: what is in memory, plane by plane.
CONTENT: dict[str, list[bytes]] = {
    "YU12": [flat(FULL, Y), flat(QUARTER, U), flat(QUARTER, V)],
    "YV12": [flat(FULL, Y), flat(QUARTER, V), flat(QUARTER, U)],
    "NV12": [flat(FULL, Y), flat(QUARTER, U, V)],
    "NV21": [flat(FULL, Y), flat(QUARTER, V, U)],
    "NV16": [flat(FULL, Y), flat(HALF, U, V)],
    "NV24": [flat(FULL, Y), flat(FULL, U, V)],
    "NV42": [flat(FULL, Y), flat(FULL, V, U)],
    "422P": [flat(FULL, Y), flat(HALF, U), flat(HALF, V)],
    "P010": [flat(FULL, 0, Y), flat(QUARTER, 0, U, 0, V)],
    "YUYV": [flat(HALF, Y, U, Y, V)],
    "UYVY": [flat(HALF, U, Y, V, Y)],
    "YVYU": [flat(HALF, Y, V, Y, U)],
    "RGB3": [flat(FULL, R, G, B)],
    "BGR3": [flat(FULL, B, G, R)],
    "XR24": [flat(FULL, B, G, R, 0)],
    "AR24": [flat(FULL, B, G, R, 0)],
    "BGR4": [flat(FULL, B, G, R, 0)],
    "BX24": [flat(FULL, 0, R, G, B)],
    "BA24": [flat(FULL, 0, R, G, B)],
    "RGB4": [flat(FULL, 0, R, G, B)],
    "XB24": [flat(FULL, R, G, B, 0)],
    "AB24": [flat(FULL, R, G, B, 0)],
    "RX24": [flat(FULL, 0, B, G, R)],
    "RA24": [flat(FULL, 0, B, G, R)],
    "RGBP": [flat(FULL, RGB565 & 255, RGB565 >> 8)],
    "RGBR": [flat(FULL, RGB565 >> 8, RGB565 & 255)],
    "XR15": [flat(FULL, RGB555 & 255, RGB555 >> 8)],
    "AR15": [flat(FULL, RGB555 & 255, RGB555 >> 8)],
    "RGBO": [flat(FULL, RGB555 & 255, RGB555 >> 8)],
    "GREY": [flat(FULL, Y)],
    "Y10": [flat(FULL, Y << 2 & 255, Y >> 6)],
    "Y12": [flat(FULL, Y << 4 & 255, Y >> 4)],
    "Y16": [flat(FULL, 0, Y)],
    "Y16-BE": [flat(FULL, Y, 0)],
}
APART = {
    "YM12": CONTENT["YU12"],
    "YM21": CONTENT["YV12"],
    "NM12": CONTENT["NV12"],
    "NM21": CONTENT["NV21"],
    "NM16": CONTENT["NV16"],
    "YM16": CONTENT["422P"],
    "YM61": [flat(FULL, Y), flat(HALF, V), flat(HALF, U)],
    "YM24": [flat(FULL, Y), flat(FULL, U), flat(FULL, V)],
    "YM42": [flat(FULL, Y), flat(FULL, V), flat(FULL, U)],
}
FIVE_BITS = {"XR15", "AR15", "RGBO", "RGBP", "RGBR"}
GREY = {"GREY", "Y10", "Y12", "Y16", "Y16-BE"}


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    sources = []

    def put(*cameras: FakeCamera) -> V4l2Source:
        plug_in(monkeypatch, tmp_path, *cameras)
        monkeypatch.setattr(source_module, "video_devices", lambda: video_devices(tmp_path))
        monkeypatch.setattr("hil.streamer.listing.video_devices", lambda: video_devices(tmp_path))
        sources.append(V4l2Source("auto", Wanted(Size(WIDTH, HEIGHT))))
        return sources[-1]

    yield put
    for source in sources:
        source.close()


def first_picture(source: V4l2Source) -> Any:
    source.open()
    captured = source.read(1.0)
    assert captured is not None
    assert not captured.bad
    assert captured.picture is not None
    return captured.picture


def check(picture: Any, fourcc: str) -> None:
    """Check that it has the colour everywhere, as an encoder gets it, and a grey one its brightness."""
    assert (picture.width, picture.height) == (WIDTH, HEIGHT)
    if fourcc in GREY:
        assert numpy.abs(picture.reformat(format="gray16le").to_ndarray().astype(int) - Y * 257).max() <= 300
        return
    found = Converter(WIDTH, HEIGHT, "yuv420p").convert(picture, Colour(False, BT601)).to_ndarray().astype(int).ravel()
    expected = numpy.repeat([Y, U, V], [FULL, QUARTER, QUARTER])
    assert numpy.abs(found - expected).max() <= (6 if fourcc in FIVE_BITS else 3)


@pytest.mark.parametrize("capabilities", [CAPTURE, PLANES])
@pytest.mark.parametrize("fourcc", CONTENT)
def test_a_picture_has_its_colour_whatever_the_format(plug: Any, fourcc: str, capabilities: int) -> None:
    payload = b"".join(CONTENT[fourcc])
    source = plug(FakeCamera(fourcc_of(fourcc), capabilities=capabilities, queue=[Sent([payload])]))
    check(first_picture(source), fourcc)


@pytest.mark.parametrize("offset", [0, 128])
@pytest.mark.parametrize("fourcc", APART)
def test_planes_that_lie_apart_become_one_picture(plug: Any, fourcc: str, offset: int) -> None:
    planes = APART[fourcc]
    sent = Sent(planes, data_offset=offset)
    camera = FakeCamera(fourcc_of(fourcc), capabilities=PLANES, strides=[0] * len(planes), queue=[sent])
    check(first_picture(plug(camera)), fourcc)


def test_every_format_that_is_taken_is_tried_here() -> None:
    assert {*CONTENT, *APART} == {*RAW}


@pytest.mark.parametrize("fourcc", ["NV12", "NM12", "UYVY", "422P", "NV24"])
def test_what_a_driver_leaves_at_the_end_of_a_line_is_no_part_of_the_picture(plug: Any, fourcc: str) -> None:
    """Dirt in the padding would be seen in the picture."""
    padded, apart = [], fourcc in APART
    wide = {"UYVY": [384]}.get(fourcc, [192, {"422P": 96, "NV24": 384}.get(fourcc, 192)])
    for number, plane in enumerate(APART[fourcc] if apart else CONTENT[fourcc]):
        stride = wide[min(number, len(wide) - 1)]
        lines = len(plane) // (stride * 2 // 3)
        rows = numpy.full((lines, stride), 255, numpy.uint8)
        rows[:, : stride * 2 // 3] = numpy.frombuffer(plane, numpy.uint8).reshape(lines, -1)
        padded.append(rows.tobytes())
    sent = Sent(padded if apart else [b"".join(padded)])
    kind, strides = (PLANES, wide) if apart else (CAPTURE, wide[:1])
    camera = FakeCamera(fourcc_of(fourcc), capabilities=kind, strides=strides, queue=[sent])
    check(first_picture(plug(camera)), fourcc)


def test_a_buffer_with_less_than_a_picture_in_any_plane_is_bad(plug: Any) -> None:
    luma, colour = CONTENT["NV12"]
    queue = [Sent([luma, colour[:-1]]), Sent([luma[:-1], colour]), Sent([luma, colour], flags=ERROR), Sent([b"", b""])]
    camera = FakeCamera(fourcc_of("NM12"), capabilities=PLANES, strides=[0, 0], queue=[*queue, Sent([luma, colour])])
    source = plug(camera)
    source.open()
    found = [source.read(1.0) for _ in range(5)]
    assert [each.bad for each in found] == [True] * 4 + [False]
    assert [each.sequence for each in found] == [0, 1, 2, 3, 4]
    assert len(camera.free) == camera.granted


def test_a_camera_with_planes_is_set_up_started_and_let_go(plug: Any) -> None:
    camera = FakeCamera(fourcc_of("NV12"), capabilities=PLANES, queue=[Sent([b"".join(CONTENT["NV12"])])])
    source = plug(camera)
    picture = first_picture(source)
    assert (source.width, source.height, source.fps, source.codec) == (WIDTH, HEIGHT, 25.0, None)
    assert camera.granted == 4
    source.close()
    assert camera.asked == 0  # the driver's buffers are given up, while the picture is still looked at
    check(picture, "NV12")


def test_numbers_that_no_list_knows_break_neither_listing_nor_capture(
    plug: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Newer kernels have formats, colour spaces, field orders and capabilities that a library has no name for."""
    unknown, strange = 0x31337AAA, fourcc_of("Y16-BE")
    camera = FakeCamera(
        fourcc_of("YUYV"),
        capabilities=CAPTURE | 1 << 30,
        colour=(250, 251, 252, 253),
        queue=[Sent([CONTENT["YUYV"][0]])],
    )
    camera.formats = [(unknown, b"\xff\xfe"), (strange, b""), (fourcc_of("YUYV"), b"YUYV 4:2:2")]
    source = plug(camera)
    assert print_cameras(as_json=False) == 0
    shown = capsys.readouterr().out
    assert f"{text_of(unknown)}  \ufffd" in shown
    assert [line for line in shown.splitlines() if line.endswith(": of no use here")] == [
        f"  {text_of(unknown)}  \ufffd\ufffd: of no use here"
    ]
    assert print_cameras(as_json=True) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert [(each["fourcc"], each["usable"]) for each in listed["formats"]] == [
        (text_of(unknown), False),
        ("Y16-BE", True),
        ("YUYV", True),
    ]
    check(first_picture(source), "YUYV")


def test_a_control_of_a_type_that_nobody_knows_is_passed_over(plug: Any, tmp_path: Path) -> None:
    """The vivid of Linux 7.2 has one, of type 263."""
    camera = FakeCamera(fourcc_of("YUYV"), queue=[Sent([CONTENT["YUYV"][0]])])
    camera.known_controls = {0x00F00001: (263, b"Rectangles"), 0x00F00002: (2, DISCONNECT.encode())}
    check(first_picture(plug(camera)), "YUYV")
    with injecting(tmp_path / "video0") as injector:
        injector.push(DISCONNECT)
        injector.take_back("Rectangles")
    assert camera.controls == {0x00F00001: 7, 0x00F00002: 1}


def test_sizes_of_a_kind_that_nobody_knows_are_any(plug: Any, capsys: pytest.CaptureFixture[str]) -> None:
    source = plug(FakeCamera(fourcc_of("YUYV"), size_kind=9, queue=[Sent([CONTENT["YUYV"][0]])]))
    assert print_cameras(as_json=False) == 0
    assert "any size" in capsys.readouterr().out
    check(first_picture(source), "YUYV")


@pytest.mark.parametrize("number", [21, 22, 28, 75])
def test_what_a_driver_does_not_know_is_done_without(plug: Any, number: int) -> None:
    refused = {number: errno.ENOTTY}
    check(
        first_picture(plug(FakeCamera(fourcc_of("YUYV"), queue=[Sent([CONTENT["YUYV"][0]])], refused=refused))), "YUYV"
    )


@pytest.mark.parametrize(
    ("formats", "words"),
    [
        (
            [("RG10", b"10-bit Bayer RGRG/GBGB")],
            r"only RG10 \(10-bit Bayer RGRG/GBGB\): .*libcamera.*of use here are YU12, ",
        ),
        ([("VYUY", b"VYUY 4:2:2")], r"only VYUY \(VYUY 4:2:2\); of use here are .*UYVY"),
        ([("AVC1", b"H.264 (No Start Codes)")], r"only AVC1 \(H.264 \(No Start Codes\)\); of use here are"),
    ],
)
def test_a_camera_with_nothing_of_use_is_refused_by_name(
    plug: Any, formats: list[tuple[str, bytes]], words: str
) -> None:
    camera = FakeCamera(fourcc_of(formats[0][0]))
    camera.formats = [(fourcc_of(fourcc), said) for fourcc, said in formats]
    with pytest.raises(SourceError, match=words):
        plug(camera).open()


def test_a_driver_that_makes_another_format_of_it_is_refused(plug: Any) -> None:
    camera = FakeCamera(fourcc_of("GREY"))
    source = plug(camera)
    camera._set_format = camera._format  # type: ignore[method-assign]
    camera.formats = [(fourcc_of("YUYV"), b"")]
    with pytest.raises(SourceError, match="it was set to YUYV, and gives GREY"):
        source.open()


@pytest.mark.parametrize(("fourcc", "stride"), [("YUYV", 200), ("NV12", 100), ("RGB3", 383)])
def test_lines_that_are_too_short_for_the_picture_are_refused(plug: Any, fourcc: str, stride: int) -> None:
    with pytest.raises(SourceError, match=f"{fourcc} with lines of {stride} bytes"):
        plug(FakeCamera(fourcc_of(fourcc), strides=[stride])).open()


def test_a_memory_to_memory_device_is_no_camera(plug: Any) -> None:
    for capabilities in (0x4000, 0x3000, 0x8000):
        with pytest.raises(SourceError, match="captures no video"):
            plug(FakeCamera(fourcc_of("NV12"), capabilities=capabilities)).open()


def test_a_driver_that_claims_more_than_its_memory_has_is_not_believed(plug: Any) -> None:
    content = CONTENT["YUYV"][0]
    camera = FakeCamera(fourcc_of("YUYV"), plane_bytes=-(-len(content) // 4096) * 4096, capabilities=PLANES)
    camera.queue = [Sent([content], data_offset=8192), Sent([content])]
    source = plug(camera)
    source.open()
    found = [source.read(1.0) for _ in range(2)]
    assert [each.bad for each in found] == [True, False]


def test_a_driver_without_memory_for_buffers_is_refused(plug: Any) -> None:
    camera = FakeCamera(fourcc_of("YUYV"), most_buffers=0)
    with pytest.raises(SourceError, match="no memory for buffers"):
        plug(camera).open()
