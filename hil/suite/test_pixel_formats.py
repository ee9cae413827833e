# SPDX-License-Identifier: Apache-2.0
"""Pictures of a real V4L2 driver in each of its formats, in one plane and several, and their colours, which the driver
chooses and tells: vivid's bars, out of an encoder, are what they were by an independent decoder and own arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hil.suite.streaming import WATCHDOG_S, pictures_in, streaming, take
from vshm_ctypes import Consumer

WIDTH, HEIGHT = 320, 180
BARS = [(191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191), (0, 0, 0)]
LEVELS = 3.0  # a bar may be off by that
ONE, SEVERAL = "one plane", "several planes"


@pytest.fixture(params=[ONE, SEVERAL])
def node(request: pytest.FixtureRequest, vivid: Path) -> Iterator[Path]:
    """A vivid that shows 75 % colour bars and nothing else."""
    from hil.vivid import MOVEMENT, PATTERN, REMEDY, TEXT, injecting, is_aside, reset, vivid_cameras

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
    """One that the driver gives in that format."""
    import hil.streamer.sources.v4l2 as source_module
    from hil.streamer.sources.modes import Size, Wanted
    from hil.streamer.sources.v4l2_devices import offers_of

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "offers_of", lambda device: [o for o in offers_of(device) if o.fourcc == fourcc])
        source = source_module.V4l2Source(str(path), Wanted(Size(WIDTH, HEIGHT), 30.0))
        source.open()
    try:
        captured = source.read(WATCHDOG_S)
        assert captured is not None
        assert captured.picture is not None
        yield captured.picture
    finally:
        source.close()


def deviation(picture: Any, codec: Any = "h264") -> float:
    """By how many levels a bar is off at most, after encoding; of a grey one its brightness."""
    import av
    import numpy

    from hil.patches import shown
    from hil.streamer.channels import Channel
    from hil.streamer.encoder import SOFTWARE, Encoder

    encoder = Encoder(Channel(codec=codec, quality=95), SOFTWARE[codec], WIDTH, HEIGHT, 30)
    units = encoder.encode(picture, 0) + encoder.flush()
    decoder: Any = av.CodecContext.create({"h264": "h264", "h265": "hevc", "jpeg": "mjpeg"}[codec], "r")
    (decoded,) = [each for unit, _ in units for each in decoder.decode(av.Packet(unit.data))] + decoder.decode(None)
    bars = shown(decoded).reshape(HEIGHT, len(BARS), -1, 3)[20:-20, :, 12:-12].mean(axis=(0, 2))
    meant = numpy.array(BARS, float)
    if picture.format.name.startswith("gray"):
        meant = (meant @ [0.299, 0.587, 0.114])[:, None].repeat(3, axis=1)
    return float(numpy.abs(bars - meant).max())


def test_each_format_that_a_driver_has_shows_its_colours(node: Path) -> None:
    from hil.streamer.sources.pixel_formats import RAW
    from hil.streamer.sources.v4l2_devices import offers_of
    from hil.v4l2_library import v4l2

    with v4l2.Device(str(node)) as device:
        there = dict.fromkeys(offer.fourcc for offer in offers_of(device) if offer.fourcc in RAW)
    assert len(there) > 20
    off = {}
    for fourcc in there:
        with picture_of(node, fourcc) as picture:
            off[fourcc] = round(deviation(picture), 1)
    print(off)
    assert {fourcc: each for fourcc, each in off.items() if each > allowed(fourcc)} == {}


def allowed(fourcc: str) -> float:
    """Five bits of red and blue are as exact as that."""
    return 8.0 if fourcc in ("RGBP", "RGBR", "XR15", "AR15", "RGBO") else LEVELS


COLOURS = [
    ("sRGB", "Default", "Default"),
    ("sRGB", "Default", "Full Range"),
    ("Rec. 709", "Default", "Limited Range"),
    ("SMPTE 170M", "Rec. 709", "Full Range"),
    ("BT.2020", "Default", "Default"),
]


@pytest.mark.parametrize(
    ("node", "fourcc"),
    [*((ONE, fourcc) for fourcc in ("YUYV", "UYVY", "NV12", "RGB3", "GREY")), (SEVERAL, "NM12"), (SEVERAL, "YUYV")],
    indirect=["node"],
)
def test_range_and_matrix_are_as_the_driver_tells_them(node: Path, fourcc: str) -> None:
    from hil.vivid import COLORSPACE, ENCODING, QUANTIZATION, injecting

    off: dict[Any, float] = {}
    for items in COLOURS:
        with injecting(node) as injector:
            for name, item in zip((COLORSPACE, ENCODING, QUANTIZATION), items, strict=True):
                injector.choose(name, item)
        with picture_of(node, fourcc) as picture:
            off |= {(items, codec): round(deviation(picture, codec), 1) for codec in ("h264", "h265", "jpeg")}
    print(off)
    assert {what: each for what, each in off.items() if each > LEVELS} == {}


def test_buffers_that_the_driver_flags_are_counted_whatever_their_planes(node: Path, ring: str) -> None:
    from hil.vivid import BUFFER_ERROR, injecting

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
