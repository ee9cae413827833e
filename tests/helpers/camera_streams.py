# SPDX-License-Identifier: Apache-2.0
"""Streams of cameras that encode themselves: from a fake driver through source, lane and ring."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from encoded import UNIT_GOP
from fake_v4l2 import FakeCamera, Sent, plug_in

from hil.streamer.channels import Channel
from hil.streamer.pass_through import PassThrough
from hil.streamer.sources import v4l2 as source_module
from hil.streamer.sources.healing import HealingSource
from hil.streamer.sources.modes import Size, Wanted
from hil.streamer.sources.pixel_formats import fourcc_of
from hil.streamer.sources.v4l2 import V4l2Source
from hil.streamer.sources.v4l2_devices import video_devices
from vshm_ctypes import Codec, Consumer, Frame

SIZE = Size(128, 96)
FOURCC = {Codec.H264: "H264", Codec.H265: "HEVC", Codec.JPEG: "MJPG"}
DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}


def camera_of(codec: Codec, buffers: Sequence[bytes | Sent]) -> FakeCamera:
    """Return a camera that delivers these buffers, and nothing after them."""
    queue = [Sent([each]) if isinstance(each, bytes) else each for each in buffers]
    return FakeCamera(fourcc_of(FOURCC[codec]), *SIZE, queue=queue)


def plug(monkeypatch: pytest.MonkeyPatch, folder: Path, *cameras: FakeCamera) -> list[Path]:
    """Make these the only cameras."""
    monkeypatch.setattr(source_module, "video_devices", lambda: video_devices(folder))
    return plug_in(monkeypatch, folder, *cameras)


def stream(ring: str, codec: Codec, camera: FakeCamera) -> tuple[list[Frame], PassThrough, HealingSource]:
    """Stream everything that the camera has through source, lane and ring."""
    name: Any = {Codec.H264: "h264", Codec.H265: "h265", Codec.JPEG: "jpeg"}[codec]
    channel = Channel(ring=ring, codec=name, slots=100, slot=1 << 20)
    source = HealingSource(V4l2Source("auto", Wanted(SIZE, 25.0, codec, bit_rate=500_000, gop=UNIT_GOP)))
    source.open()
    assert source.codec is not None
    lane = PassThrough(channel, source, source.codec, None)
    with Consumer(ring, start="oldest") as reader:
        while camera.queue:
            captured = source.read(0.1)
            if captured is not None:
                lane.offer(captured)
        while (captured := source.read(0.0)) is not None:
            lane.offer(captured)
        source.close()
        lane.close()
        return list(reader), lane, source


def decoded(codec: Codec, frames: list[Frame]) -> int:
    """Return how many pictures a decoder shows."""
    decoder: Any = av.CodecContext.create(DECODERS[codec], "r")
    pictures = [picture for frame in frames for picture in decoder.decode(av.Packet(frame.data))]
    return len(pictures + decoder.decode(None))


def jpegs(count: int) -> list[bytes]:
    """Return count pictures of noise, encoded by FFmpeg."""
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = *SIZE, "yuvj420p", Fraction(1, 25)
    chance, pictures = numpy.random.default_rng(1), []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(chance.integers(0, 255, (144, 128), numpy.uint8), format="yuvj420p")
        frame.pts = number
        pictures += [bytes(packet) for packet in encoder.encode(frame)]
    return pictures
