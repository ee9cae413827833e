# SPDX-License-Identifier: Apache-2.0
"""Cameras that encode by themselves: from their buffers, which a stand-in for the driver fills, to a reader."""

import dataclasses
import itertools
import logging
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy
import pytest
from encoded import UNIT_GOP, encoded

from hil.streamer.channels import Channel
from hil.streamer.lane import Lane
from hil.streamer.sources import v4l2 as source_module
from hil.streamer.sources.devices import DeviceInfo
from hil.streamer.sources.healing import HealingSource
from hil.streamer.sources.modes import Mode, Offer, Size, Wanted
from hil.streamer.sources.numbering import Numbering
from hil.streamer.sources.source import SourceError
from hil.streamer.sources.unit_assembler import UnitAssembler
from hil.streamer.sources.v4l2 import V4l2Source
from hil.streamer.sources.v4l2_buffers import StartError
from vshm_ctypes import Codec, Consumer, Frame
from vshm_ctypes.bitstream import StreamError, nal_units
from vshm_ctypes.bitstream.nal import SYNTAXES

SIZE = Size(128, 96)
FOURCC = {Codec.H264: "H264", Codec.H265: "HEVC", Codec.JPEG: "MJPG"}
DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}
SETS = {Codec.H264: [7, 8], Codec.H265: [32, 33, 34]}
MONOTONIC = 0x2000
WEBCAM = DeviceInfo(Path("/dev/video7"), "uvcvideo", "Webcam", "usb-1", True)


@dataclass
class Buffer:
    """What the driver fills. sequence: -1 is the next one."""

    payload: bytes
    is_bad: bool = False
    sequence: int = -1
    flags: int = MONOTONIC
    stamp_ns: int = 0
    dequeued_ns: int = 0

    def data(self) -> bytes:
        return self.payload

    def give_back(self) -> None:
        pass


@dataclass
class Driver:
    """Hands out the buffers of a list, and knows what it was told."""

    fourcc: str
    queue: list[Buffer]
    controls: dict[int, int] = field(default_factory=dict)
    start_errors: list[OSError] = field(default_factory=list)
    size: Size = SIZE
    fps: float = 25.0
    device: object = None
    handed_out: int = 0

    def dequeue(self, timeout_s: float) -> Buffer | None:
        if not self.queue:
            time.sleep(0.01)
            return None
        buffer = self.queue.pop(0)
        if buffer.sequence < 0:
            buffer.sequence = self.handed_out
        self.handed_out = buffer.sequence + 1
        buffer.dequeued_ns = time.monotonic_ns()
        buffer.stamp_ns = buffer.dequeued_ns - 1_000_000
        return buffer

    def close(self) -> None:
        pass


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a driver in the place of the kernel's."""

    def put(driver: Driver) -> None:
        def start(device: object, mode: Mode, count: int) -> Driver:
            if driver.start_errors:
                raise driver.start_errors.pop(0)
            return driver

        library = SimpleNamespace(
            Device=lambda path: SimpleNamespace(path=path, open=lambda: None, close=lambda: None),
            BufferType=SimpleNamespace(VIDEO_CAPTURE=1),
            get_raw_format=lambda device, kind: SimpleNamespace(
                fmt=SimpleNamespace(pix=SimpleNamespace(width=SIZE.width, height=SIZE.height))
            ),
            set_control=lambda device, number, value: driver.controls.__setitem__(number, value),
            V4L2Error=RuntimeError,
        )
        monkeypatch.setattr(source_module, "v4l2", library)
        monkeypatch.setattr(source_module, "video_devices", lambda: ([WEBCAM], []))
        monkeypatch.setattr(source_module, "offers_of", lambda device: [Offer(driver.fourcc, "", SIZE, SIZE, (25.0,))])
        monkeypatch.setattr(source_module, "Buffers", start)

    return put


def stream(ring: str, codec: Codec, driver: Driver) -> tuple[list[Frame], Lane, HealingSource]:
    """All that the driver has goes through source, lane and ring."""
    name = {Codec.H264: "h264", Codec.H265: "h265", Codec.JPEG: "jpeg"}[codec]
    channel = Channel(ring=ring, codec=name, slots=100, slot=1 << 20)  # type: ignore[arg-type]
    source = HealingSource(V4l2Source("auto", Wanted(SIZE, 25.0, codec, bit_rate=500_000, gop=UNIT_GOP)))
    source.open()
    lane = Lane(channel, source, None, None)
    with Consumer(ring, start="oldest") as reader:
        while driver.queue:
            captured = source.read(0.1)
            if captured is not None:
                lane.offer(captured)
        while (captured := source.read(0.0)) is not None:
            lane.offer(captured)
        source.close()
        lane.close()
        return list(reader), lane, source


def decoded(codec: Codec, frames: list[Frame]) -> int:
    decoder: Any = av.CodecContext.create(DECODERS[codec], "r")
    pictures = [picture for frame in frames for picture in decoder.decode(av.Packet(frame.data))]
    return len(pictures + decoder.decode(None))


def kinds_of(data: bytes, codec: Codec) -> list[int]:
    return [nal.kind for nal in nal_units(data, codec)]


def jpegs(count: int) -> list[bytes]:
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = *SIZE, "yuvj420p", Fraction(1, 25)
    chance, pictures = numpy.random.default_rng(1), []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(chance.integers(0, 255, (144, 128), numpy.uint8), format="yuvj420p")
        frame.pts = number
        pictures += [bytes(packet) for packet in encoder.encode(frame)]
    return pictures


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_a_stream_of_several_nal_units_per_picture_arrives_as_it_is(ring: str, plug: Any, codec: Codec) -> None:
    units = encoded(codec, "slices")
    driver = Driver(FOURCC[codec], [Buffer(data) for data, _ in units])
    plug(driver)
    frames, lane, _ = stream(ring, codec, driver)
    assert [(frame.data, frame.is_keyframe) for frame in frames] == list(units)
    assert [frame.codec for frame in frames] == [codec] * len(units)
    assert decoded(codec, frames) == len(units)
    assert lane.books.written == lane.books.captured == len(units)
    assert lane.books.imbalance() is None


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_parameter_sets_that_came_once_are_in_front_of_every_keyframe(ring: str, plug: Any, codec: Codec) -> None:
    syntax, buffers = SYNTAXES[codec], []
    for index, (data, _) in enumerate(encoded(codec, "slices")):
        nals = list(nal_units(data, codec))
        sets = b"".join(data[nal.begin : nal.end] for nal in nals if nal.kind in syntax.parameter_sets)
        rest = b"".join(data[nal.begin : nal.end] for nal in nals if nal.kind not in syntax.parameter_sets)
        buffers += [Buffer(sets), Buffer(rest)] if index == 0 else [Buffer(rest)]
    driver = Driver(FOURCC[codec], buffers.copy())
    plug(driver)
    frames, _, _ = stream(ring, codec, driver)
    assert len(frames) == len(buffers) - 1
    keys = [frame for frame in frames if frame.is_keyframe]
    assert len(keys) == len(frames) // UNIT_GOP
    for frame in keys:
        assert [kind for kind in kinds_of(frame.data, codec) if kind in syntax.parameter_sets] == SETS[codec]
        assert decoded(codec, [frame]) == 1


def test_jpeg_pictures_arrive_without_what_is_behind_them(ring: str, plug: Any) -> None:
    pictures = jpegs(10)
    driver = Driver("MJPG", [Buffer(data + bytes(1000)) for data in pictures])
    plug(driver)
    frames, _, _ = stream(ring, Codec.JPEG, driver)
    assert [frame.data for frame in frames] == pictures
    assert all(frame.is_keyframe for frame in frames)
    assert decoded(Codec.JPEG, frames) == 10


def test_a_damaged_picture_is_counted_and_the_next_one_says_so(ring: str, plug: Any) -> None:
    pictures = jpegs(6)
    buffers = [Buffer(data) for data in pictures]
    buffers[2] = Buffer(pictures[2][: len(pictures[2]) // 2])
    buffers[4].is_bad = True
    driver = Driver("MJPG", buffers)
    plug(driver)
    frames, lane, _ = stream(ring, Codec.JPEG, driver)
    assert [frame.data for frame in frames] == [pictures[number] for number in (0, 1, 3, 5)]
    assert [frame.discontinuity for frame in frames[1:]] == [False, True, True]
    assert (lane.books.source_error, lane.books.captured) == (2, 6)
    assert lane.books.imbalance() is None


def test_a_picture_that_the_driver_lost_breaks_an_encoded_stream(ring: str, plug: Any) -> None:
    driver = Driver("H264", [Buffer(data) for data, _ in encoded(Codec.H264, "slices")[:6]])
    driver.queue[3].sequence = 5  # two are missing
    plug(driver)
    frames, _, source = stream(ring, Codec.H264, driver)
    assert [frame.discontinuity for frame in frames[1:]] == [False, False, True, False, False]
    assert source.figures()["lost"] == 2


def test_two_pictures_in_one_buffer_become_two_frames(ring: str, plug: Any) -> None:
    units = encoded(Codec.H264, "slices")
    pairs = [units[at][0] + units[at + 1][0] for at in range(0, len(units), 2)]
    driver = Driver("H264", [Buffer(data) for data in pairs])
    plug(driver)
    frames, lane, _ = stream(ring, Codec.H264, driver)
    assert [frame.data for frame in frames] == [data for data, _ in units]
    assert lane.books.imbalance() is None


def test_a_camera_that_gives_slices_one_by_one_is_put_together() -> None:
    units = encoded(Codec.H264, "slices")
    assembler = UnitAssembler(Codec.H264)
    found = []
    for data, _ in units:
        cuts = [*(nal.begin for nal in nal_units(data, Codec.H264)), len(data)]
        for begin, end in itertools.pairwise(cuts):
            found += assembler.take(data[begin:end])
    # The first picture is seen to be in pieces only when its second one comes; the last is never ended.
    assert [unit.data for unit in found[1:]] == [data for data, _ in units[1:-1]]


def test_parameter_sets_without_end_are_no_stream() -> None:
    assembler = UnitAssembler(Codec.H264)
    with pytest.raises(StreamError, match="no H264 stream"):
        for _ in range(20):
            assembler.take(b"\0\0\1\x67" + bytes(1 << 20))


def test_the_camera_is_told_bit_rate_gop_and_when_a_keyframe_is_wanted(ring: str, plug: Any) -> None:
    driver = Driver("H264", [Buffer(data) for data, _ in encoded(Codec.H264, "plain")])
    plug(driver)
    source = V4l2Source("auto", Wanted(SIZE, 25.0, Codec.H264, bit_rate=500_000, gop=12))
    source.open()
    assert set(driver.controls.values()) == {500_000, 12}
    source.want_keyframe()
    assert 1 in driver.controls.values()


def test_where_the_readers_want_another_codec_the_cameras_jpeg_is_decoded(plug: Any) -> None:
    plug(Driver("MJPG", [Buffer(data) for data in jpegs(2)]))
    source = V4l2Source("auto", Wanted(SIZE, 25.0, Codec.H264))
    source.open()
    assert source.codec is None
    captured = source.read(1.0)
    assert captured is not None
    assert captured.picture is not None
    assert (captured.picture.width, captured.picture.height, captured.from_driver) == (*SIZE, True)


def test_a_camera_that_does_not_start_is_told_from_one_that_is_not_there(plug: Any) -> None:
    plug(Driver("MJPG", [], start_errors=[StartError(22, "Invalid argument")]))
    source = HealingSource(V4l2Source("auto", Wanted(SIZE)))
    with pytest.raises(OSError, match=r"does not start \(VIDIOC_STREAMON: Invalid argument"):
        source.open()
    assert source.figures()["streamon"] == 1
    with pytest.raises(OSError, match=r"no such camera; there is /dev/video7"):
        V4l2Source("nonesuch", Wanted()).open()


def test_a_camera_that_is_plugged_in_elsewhere_is_found_again(plug: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    other = DeviceInfo(Path("/dev/video1"), "vivid", "vivid", "platform:vivid-000", True)
    plug(Driver("MJPG", []))
    source = V4l2Source("auto", Wanted(SIZE))
    source.open()
    assert source.name == str(WEBCAM)
    moved = dataclasses.replace(WEBCAM, path=Path("/dev/video9"), bus="usb-2")
    monkeypatch.setattr(source_module, "video_devices", lambda: ([other, moved], []))
    source.open()
    assert source.name == str(moved)
    monkeypatch.setattr(source_module, "video_devices", lambda: ([other], []))
    with pytest.raises(SourceError, match="no such camera"):  # another one is no stand-in for it
        source.open()


def test_auto_passes_over_a_camera_with_formats_of_no_use(
    plug: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bayer = DeviceInfo(Path("/dev/video0"), "some-csi", "CSI", "platform:csi", True)
    plug(Driver("MJPG", []))
    monkeypatch.setattr(source_module, "video_devices", lambda: ([bayer, WEBCAM], []))
    offers = {"/dev/video0": [Offer("pBAA", "", SIZE, SIZE)], "/dev/video7": [Offer("MJPG", "", SIZE, SIZE)]}
    monkeypatch.setattr(source_module, "offers_of", lambda device: offers[device.path])
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    caplog.set_level(logging.INFO)
    source = V4l2Source("auto", Wanted(SIZE))
    source.open()
    assert source.name == str(WEBCAM)
    assert "it has pBAA: passed over" in caplog.text
    with pytest.raises(SourceError, match="it has none of the formats"):
        V4l2Source("/dev/video0", Wanted(SIZE)).open()


def test_a_drivers_numbers_tell_what_is_lost_across_the_wrap_too() -> None:
    numbering = Numbering()
    top = 2**32 - 1
    assert [numbering.take(number) for number in (top - 1, top, 0, 1, 4)] == [0, 0, 0, 0, 2]
    assert (numbering.lost, numbering.jumps, numbering.wraps) == (2, 0, 1)
    numbering.take(2)
    assert (numbering.lost, numbering.jumps, numbering.wraps) == (2, 1, 1)
    numbering.begin()
    assert numbering.take(900) == 0
    assert (numbering.lost, numbering.jumps) == (2, 1)
