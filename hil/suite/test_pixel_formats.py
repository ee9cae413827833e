# SPDX-License-Identifier: Apache-2.0
"""Pictures of a real V4L2 driver in each of its formats, single-planar and multi-planar, and their colours.

The driver chooses and declares the colours. By own arithmetic, vivid's bars must be unchanged when they go to an
encoder, and after an independent decoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hil.suite.streaming import DECODERS, WATCHDOG_S, pictures_in, streaming, take
from vshm_ctypes import Consumer

WIDTH, HEIGHT = 320, 180
BARS = [(191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191), (0, 0, 0)]
# vivid makes its grey with the weights of BT.709 and full range, even if it declares limited range.
GREY_BARS = [[0.2126 * red + 0.7152 * green + 0.0722 * blue] * 3 for red, green, blue in BARS]
LEVELS = 3.0  # the tolerance of a bar
FIVE_BITS = {"RGBP": 8.0, "RGBR": 8.0, "XR15": 8.0, "AR15": 8.0, "RGBO": 8.0}  # formats that are less exact
GREY = ("GREY", "Y10", "Y12", "Y16", "Y16-BE")
ONE, SEVERAL = "one plane", "several planes"
COLOURS = [
    ("sRGB", "Default", "Default"),
    ("sRGB", "Default", "Full Range"),
    ("Rec. 709", "Default", "Limited Range"),
    ("SMPTE 170M", "Rec. 709", "Full Range"),
    ("BT.2020", "Default", "Default"),
]


@pytest.fixture(params=[ONE, SEVERAL])
def node(request: pytest.FixtureRequest, vivid: Path) -> Iterator[Path]:
    """A vivid camera that shows nothing but 75 % colour bars."""
    from hil.suite.vivid import MOVEMENT, PATTERN, REMEDY, TEXT, injecting, is_aside, reset, vivid_cameras

    path = vivid
    if request.param == SEVERAL:
        found = [info.path for info in vivid_cameras() if is_aside(info)]
        if not found:
            pytest.skip(f"no multi-planar vivid here: {REMEDY}")
        path = found[0]
    with injecting(path) as injector:
        for name, item in ((PATTERN, "75% Colorbar"), (TEXT, "None"), (MOVEMENT, "No Movement")):
            injector.choose(name, item)
    yield path
    reset(path)


@contextmanager
def picture_of(path: Path, fourcc: str) -> Iterator[Any]:
    """Yield a picture of the driver in that format."""
    from hil.streamer.sources.modes import Mode, Size
    from hil.streamer.sources.v4l2_abi import v4l2
    from hil.streamer.sources.v4l2_buffers import Buffers

    device = v4l2.Device(str(path))
    device.open()
    buffers = Buffers(device, Mode(fourcc, Size(WIDTH, HEIGHT), 60.0), 2)
    try:
        buffers.start()
        buffer = buffers.dequeue(WATCHDOG_S)
        assert buffer is not None
        assert not buffer.is_bad
        yield buffer.picture()
    finally:
        buffers.close()


def bars_of(picture: Any) -> Any:
    """Return the colour of each bar of a planar Y'CbCr picture, by the description that it declares."""
    from hil.suite.patches import shown

    return shown(picture).reshape(HEIGHT, len(BARS), -1, 3)[20:-20, :, 12:-12].mean(axis=(0, 2))


def apart(one: Any, other: Any) -> float:
    """Return the largest difference, in levels."""
    import numpy

    return round(float(numpy.abs(numpy.asarray(one, float) - other).max()), 1)


def deviation_for_an_encoder(path: Path, fourcc: str) -> float:
    """Return the deviation of what an H.264 encoder would get."""
    from hil.streamer.colour import colour_of, colour_to_encode
    from hil.streamer.converter import Converter
    from vshm_ctypes import Codec

    size = (WIDTH, HEIGHT)
    with picture_of(path, fourcc) as picture:
        colour = colour_to_encode(colour_of(picture), Codec.H264, size, size)
        bars = bars_of(Converter(*size, "yuv420p").convert(picture, colour))
    return apart(bars, GREY_BARS if fourcc in GREY else BARS)


def test_each_format_that_a_driver_has_shows_its_colours(node: Path) -> None:
    """Pictures in each raw format that the driver offers reach the encoder in the right colours.

    Would catch: exchanged components, lines that are read at a wrong offset.
    """
    from hil.streamer.sources.pixel_formats import RAW
    from hil.streamer.sources.v4l2_abi import v4l2
    from hil.streamer.sources.v4l2_devices import offers_of

    with v4l2.Device(str(node)) as device:
        there = dict.fromkeys(offer.fourcc for offer in offers_of(device) if offer.fourcc in RAW)
    assert len(there) > 20
    off = {fourcc: deviation_for_an_encoder(node, fourcc) for fourcc in there}
    print(off)
    assert {fourcc: each for fourcc, each in off.items() if each > FIVE_BITS.get(fourcc, LEVELS)} == {}


def choose(path: Path, colour: tuple[str, str, str]) -> None:
    """Set the driver's colour space, encoding and quantization."""
    from hil.suite.vivid import COLORSPACE, ENCODING, QUANTIZATION, injecting

    with injecting(path) as injector:
        for name, item in zip((COLORSPACE, ENCODING, QUANTIZATION), colour, strict=True):
            injector.choose(name, item)


@pytest.mark.parametrize(
    ("node", "fourcc"),
    [*((ONE, fourcc) for fourcc in ("YUYV", "UYVY", "NV12", "RGB3", "GREY")), (SEVERAL, "NM12"), (SEVERAL, "YUYV")],
    indirect=["node"],
)
def test_range_and_matrix_are_as_the_driver_tells_them(node: Path, fourcc: str) -> None:
    """The driver's range and matrix are applied as it declares them.

    Would catch: colours that are a little off, since a default was taken for the driver's choice.
    """
    off: dict[Any, float] = {}
    for colour in COLOURS if fourcc not in GREY else [each for each in COLOURS if each[-1] != "Limited Range"]:
        choose(node, colour)
        off[colour] = deviation_for_an_encoder(node, fourcc)
    print(off)
    assert {colour: each for colour, each in off.items() if each > LEVELS} == {}


@pytest.mark.parametrize("node", [ONE], indirect=True)
@pytest.mark.parametrize("codec", ["h264", "h265", "jpeg"])
def test_the_colours_come_out_of_each_encoder(node: Path, codec: Any) -> None:
    """The driver's colours come out of a decoder as they went into each encoder.

    Would catch: a stream that declares another range or matrix than it has.
    """
    import av

    from hil.streamer.channels import CODECS, Channel
    from hil.streamer.encoder import SOFTWARE, Encoder

    choose(node, ("Rec. 709", "Default", "Full Range"))
    with picture_of(node, "YU12") as picture:
        given = bars_of(picture)
        encoder = Encoder(Channel(codec=codec, quality=95), SOFTWARE[codec], WIDTH, HEIGHT, 30)
        units = encoder.encode(picture, 0) + encoder.flush()
    decoder: Any = av.CodecContext.create(DECODERS[CODECS[codec]], "r")
    (decoded,) = [each for unit, _ in units for each in decoder.decode(av.Packet(unit.data))] + decoder.decode(None)
    assert apart(given, BARS) <= LEVELS
    assert apart(bars_of(decoded), given) <= LEVELS


@pytest.mark.parametrize("node", [SEVERAL], indirect=True)
def test_buffers_that_the_driver_flags_are_counted_whatever_their_planes(node: Path, ring: str) -> None:
    """Damaged buffers of a multi-planar camera are counted, and every frame decodes.

    Would catch: an error flag that is read of single-planar buffers only.
    """
    from hil.suite.vivid import BUFFER_ERROR, injecting

    with streaming(ring, "--device", str(node), "--channel", f"{ring}:320x180@30,slots=120,slot=128k") as streamer:
        with Consumer(ring, start="keyframe") as stream:
            frames = take(stream, 20)
            with injecting(node) as injector:
                injector.push(BUFFER_ERROR)
            while not frames[-1].discontinuity:
                frames += take(stream, 1)
            frames += take(stream, 20)
        streamer.end()
    assert pictures_in(frames) == len(frames)
    books = streamer.books(ring)
    assert books["imbalance"] is None
    assert books["source_error"] >= 1
