# SPDX-License-Identifier: Apache-2.0
"""What V4L2 says of a format's colours, default by default, as the kernel's header has it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from colour_judges import by_ffmpeg
from fake_v4l2 import FakeCamera, Sent, plug_in

from hil.streamer.channels import CODECS, Channel
from hil.streamer.colour import BT601, BT709, BT2020, IDENTITY, UNTOLD, Colour
from hil.streamer.encoder import SOFTWARE, Encoder
from hil.streamer.sources import v4l2 as source_module
from hil.streamer.sources.modes import Size, Wanted
from hil.streamer.sources.pixel_formats import RAW, fourcc_of
from hil.streamer.sources.v4l2 import V4l2Source
from hil.streamer.sources.v4l2_colour import colour_of_format, colour_of_jpeg
from hil.streamer.sources.v4l2_devices import video_devices
from hil.streamer.sources.v4l2_queue import Colour as Told
from hil.suite import patches

HEADER = Path("/usr/include/linux/videodev2.h")
SMPTE170M, SMPTE240M, REC709, JPEG, SRGB, OPRGB, BT2020_SPACE, RAW_SPACE, DCI_P3 = 1, 2, 3, 7, 8, 9, 10, 11, 12
FULL, LIMITED = 1, 2


@pytest.mark.parametrize(
    ("told", "rgb", "colour"),
    [
        (Told(SRGB), False, Colour(False, BT601, BT709, 13)),  # a webcam's YUYV
        (Told(SRGB), True, Colour(True, IDENTITY, BT709, 13)),
        (Told(SRGB, quantization=LIMITED), True, Colour(False, IDENTITY, BT709, 13)),
        (Told(SRGB, quantization=FULL), False, Colour(True, BT601, BT709, 13)),
        (Told(JPEG), False, Colour(True, BT601, BT709, 13)),
        (Told(SMPTE170M), False, Colour(False, BT601, 6, 1)),
        (Told(REC709), False, Colour(False, BT709, BT709, 1)),
        (Told(REC709, ycbcr_enc=1, xfer_func=2), False, Colour(False, BT601, BT709, 13)),
        (Told(SMPTE240M), False, Colour(False, 7, 7, 7)),
        (Told(BT2020_SPACE), False, Colour(False, BT2020, 9, 1)),
        (Told(BT2020_SPACE, ycbcr_enc=7, xfer_func=7), False, Colour(False, 10, 9, 16)),
        (Told(DCI_P3), False, Colour(False, BT709, 11, 17)),
        (Told(OPRGB), False, Colour(False, BT601, UNTOLD, UNTOLD)),  # H.273 has no number for it
        (Told(SRGB, ycbcr_enc=4), False, Colour(False, BT709, BT709, 13)),  # xvYCC
        (Told(RAW_SPACE), False, Colour(True, BT601, UNTOLD, 8)),
        (Told(), False, Colour(False, BT601, BT709, 13)),  # the driver did not fill it in
    ],
)
def test_a_format_has_the_colours_that_the_driver_says(told: Told, rgb: bool, colour: Colour) -> None:
    assert colour_of_format(told, rgb) == colour


def test_grey_is_full_range_unless_the_driver_says_otherwise() -> None:
    assert colour_of_format(Told(SRGB), rgb=False, grey=True).full_range
    assert not colour_of_format(Told(SRGB, quantization=LIMITED), rgb=False, grey=True).full_range


def test_values_of_kernels_to_come_are_the_defaults() -> None:
    assert colour_of_format(Told(99, 99, 99, 99), False) == colour_of_format(Told(SRGB), False)
    assert colour_of_format(Told(REC709, 99, 99, 99), False) == colour_of_format(Told(REC709), False)


def test_jpeg_is_full_range_unless_the_driver_says_otherwise() -> None:
    decoded = Colour(True, 5)
    assert colour_of_jpeg(Told(SRGB), decoded) == Colour(True, 5, BT709, 13)
    assert colour_of_jpeg(Told(SRGB, quantization=LIMITED, ycbcr_enc=2), decoded) == Colour(False, BT709, BT709, 13)
    assert colour_of_jpeg(Told(SRGB), Colour(True, IDENTITY)).matrix == IDENTITY  # Adobe's, of R'G'B'


def test_the_defaults_are_those_of_the_kernel_s_header(tmp_path: Path) -> None:
    """The header's own macros, compiled, tell them."""
    compiler = shutil.which("cc")
    if compiler is None or not HEADER.exists():
        pytest.skip("needs a C compiler and linux/videodev2.h: apt-get install gcc linux-libc-dev")
    spaces = sorted(
        {int(number) for number in re.findall(r"V4L2_COLORSPACE_\w+\s*= (\d+),", HEADER.read_text())} - {0, RAW_SPACE}
    )
    assert spaces[-1] >= DCI_P3
    body = "".join(
        f'printf("%d %d %d %d\\n", {space}, V4L2_MAP_XFER_FUNC_DEFAULT({space}), V4L2_MAP_YCBCR_ENC_DEFAULT({space}),'
        f" V4L2_MAP_QUANTIZATION_DEFAULT(0, {space}, 0));\n"
        for space in spaces
    )
    source, program = tmp_path / "defaults.c", tmp_path / "defaults"
    source.write_text(f"#include <stdio.h>\n#include <linux/videodev2.h>\nint main(void)\n{{\n{body}\treturn 0;\n}}\n")
    subprocess.run([compiler, "-o", str(program), str(source)], check=True)
    lines = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(lines) == len(spaces)
    for line in lines:
        space, transfer, encoding, quantization = map(int, line.split())
        explicit = Told(space, encoding, quantization, transfer)
        assert colour_of_format(Told(space), False) == colour_of_format(explicit, False), explicit


def payload_of(fourcc: str, told: Told) -> bytes:
    """Return the patches as a driver would have them in memory."""
    if fourcc == "MJPG":
        picture = patches.picture("yuvj422p", Colour(True, BT601))
        encoder = Encoder(Channel(codec="jpeg", quality=95), "mjpeg", picture.width, picture.height, 30)
        ((unit, _),) = encoder.encode(picture, 0)
        return unit.data
    pixels = RAW[fourcc].pixels
    picture = patches.picture(pixels, colour_of_format(told, fourcc in ("RGB3", "BGR3"), fourcc == "GREY"))
    lines = (bytes(plane) for plane in picture.planes)
    assert all(plane.line_size == plane.width * (plane.line_size // plane.width) for plane in picture.planes)
    return b"".join(lines)


@pytest.mark.parametrize("codec", ["h264", "jpeg"])
@pytest.mark.parametrize(
    ("fourcc", "told"),
    [
        ("YUYV", Told(SRGB)),
        ("YUYV", Told(SRGB, quantization=FULL)),
        ("UYVY", Told(REC709)),
        ("NV12", Told(BT2020_SPACE)),
        ("NV12", Told(REC709, quantization=FULL)),
        ("YU12", Told(SMPTE170M)),
        ("MJPG", Told(SRGB)),
        ("MJPG", Told(JPEG)),
        ("RGB3", Told(SRGB)),
        ("BGR3", Told(REC709)),
        ("GREY", Told(SRGB)),
        ("GREY", Told(SRGB, quantization=LIMITED)),
    ],
)
def test_a_camera_s_colours_are_what_a_decoder_shows(
    fourcc: str, told: Told, codec: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    size = Size(patches.WIDTH, patches.HEIGHT)
    camera = FakeCamera(fourcc_of(fourcc), *size, colour=tuple(told), queue=[Sent([payload_of(fourcc, told)])])  # type: ignore[arg-type]
    plug_in(monkeypatch, tmp_path, camera)
    monkeypatch.setattr(source_module, "video_devices", lambda: video_devices(tmp_path))
    source = V4l2Source("auto", Wanted(size))
    source.open()
    captured = source.read(1.0)
    assert captured is not None
    assert captured.picture is not None
    encoder = Encoder(Channel(codec=codec), SOFTWARE[codec], *size, 30)
    units = encoder.encode(captured.picture, 0) + encoder.flush()
    source.close()
    (rgb,) = by_ffmpeg(b"".join(unit.data for unit, _ in units), CODECS[codec], *size)
    assert patches.deviation(rgb, RAW[fourcc].pixels if fourcc in RAW else "") <= 3
