# SPDX-License-Identifier: Apache-2.0
"""Test pattern and file as sources, and the encoders behind them."""

import dataclasses
import itertools
import time
from pathlib import Path
from typing import Any

import av
import pytest

from hil.streamer.channels import Channel
from hil.streamer.encoder import Encoder
from hil.streamer.encoder_settings import EncoderError
from hil.streamer.sources import barcode
from hil.streamer.sources.file import FileSource
from hil.streamer.sources.source import Captured, Source, SourceError
from hil.streamer.sources.testsrc import TestSource
from vshm_ctypes.bitstream import EntryPoint

DECODERS = {"h264": "h264", "h265": "hevc", "jpeg": "mjpeg"}


def number_in(picture: av.VideoFrame) -> int | None:
    return barcode.read(picture.reformat(format="yuv420p").to_ndarray()[: picture.height])


def take(source: Source, count: int) -> list[Captured]:
    found: list[Captured] = []
    while len(found) < count:
        captured = source.read(1.0)
        if captured is not None:
            found.append(captured)
    return found


def clip(path: Path, pictures: int, fps: int, codec: str = "libx264") -> Path:
    source = TestSource(f"testsrc:320x240@{fps}")
    source.open()
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for captured in take(source, pictures):
            assert captured.picture is not None
            container.mux(stream.encode(captured.picture))
        container.mux(stream.encode(None))
    return path


def test_a_copy_for_another_lane_has_all_that_was_captured_and_is_changed_alone() -> None:
    names = [field.name for field in dataclasses.fields(Captured)]
    captured = Captured(0)
    for name in names:
        setattr(captured, name, object())
    copied = captured.copy()
    assert {name: getattr(copied, name) for name in names} == {name: getattr(captured, name) for name in names}
    copied.picture = None
    assert captured.picture is not None


def test_the_pattern_shows_its_number_and_keeps_the_pace() -> None:
    source = TestSource("testsrc:320x240@100")
    source.open()
    begin = time.monotonic_ns()
    found = take(source, 30)
    assert [captured.sequence for captured in found] == list(range(30))
    assert [number_in(captured.picture) for captured in found if captured.picture] == list(range(30))
    assert found[-1].capture_ns - begin >= 29 * 10_000_000
    assert all(later.capture_ns > earlier.capture_ns for earlier, later in itertools.pairwise(found))


def test_a_read_gives_up_when_its_time_is_over() -> None:
    source = TestSource("testsrc:320x240@1")
    source.open()
    take(source, 1)
    assert source.read(0.01) is None


@pytest.mark.parametrize("words", ["testsrc:", "testsrc:100x100", "testsrc:321x240", "testsrc:320x240@0", "pattern"])
def test_a_pattern_that_can_not_be_is_refused(words: str) -> None:
    with pytest.raises(SourceError, match="testsrc"):
        TestSource(words)


def test_a_file_is_paced_by_its_timestamps_and_ends(tmp_path: Path) -> None:
    source = FileSource(str(clip(tmp_path / "clip.mp4", 10, 50)), loop=False)
    source.open()
    assert (source.width, source.height, source.fps) == (320, 240, 50.0)
    begin = time.monotonic_ns()
    found = take(source, 10)
    assert [number_in(captured.picture) for captured in found if captured.picture] == list(range(10))
    assert found[-1].capture_ns - begin >= 9 * 20_000_000
    with pytest.raises(EOFError):
        source.read(1.0)
    source.close()
    source.close()


def test_a_looped_file_begins_again_with_a_discontinuity(tmp_path: Path) -> None:
    source = FileSource(str(clip(tmp_path / "clip.mp4", 5, 100)), loop=True)
    source.open()
    found = take(source, 12)
    assert [number_in(captured.picture) for captured in found if captured.picture] == [*range(5), *range(5), 0, 1]
    assert [index for index, captured in enumerate(found) if captured.discontinuity] == [5, 10]
    source.close()


def test_what_is_damaged_in_a_file_is_told_and_the_file_goes_on(tmp_path: Path) -> None:
    path = clip(tmp_path / "clip.mkv", 20, 100, "mjpeg")
    with av.open(str(path)) as container:
        pictures = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data = path.read_bytes()
    for picture in pictures[5:7]:
        data = data.replace(picture, bytes(len(picture)))
    path.write_bytes(data)
    source = FileSource(str(path), loop=False)
    source.open()
    found: list[Captured] = []
    with pytest.raises(EOFError):
        while True:
            captured = source.read(1.0)
            if captured is not None:
                found.append(captured)
    source.close()
    assert sum(captured.bad for captured in found) == 2
    assert [captured.bad for captured in found].index(True) == 5
    assert sum(captured.picture is not None for captured in found) == 18


def test_a_file_that_is_none_is_refused_with_its_name(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.mp4", Path(__file__)):
        with pytest.raises(SourceError, match=path.name):
            FileSource(str(path), loop=False).open()


@pytest.mark.parametrize(("codec", "name"), [("h264", "libx264"), ("h265", "libx265"), ("jpeg", "mjpeg")])
def test_a_picture_in_is_an_access_unit_out(codec: Any, name: str) -> None:
    source = TestSource("testsrc:320x240@200")
    source.open()
    encoder = Encoder(Channel(codec=codec, gop=10), name, 320, 240, 200)
    decoder: Any = av.CodecContext.create(DECODERS[codec], "r")
    numbers = []
    keys = []
    for index, captured in enumerate(take(source, 25)):
        assert captured.picture is not None
        ((unit, time_ns),) = encoder.encode(captured.picture, captured.capture_ns, keyframe=index == 14)
        assert time_ns == captured.capture_ns
        if unit.keyframe:
            keys.append(index)
        numbers += [number_in(picture) for picture in decoder.decode(av.Packet(unit.data))]
    numbers += [number_in(picture) for picture in decoder.decode(None)]
    assert encoder.flush() == []
    assert numbers == list(range(25))
    assert {0, 10, 14} <= set(keys)


@pytest.mark.parametrize(("codec", "name"), [("h264", "libx264"), ("h265", "libx265"), ("jpeg", "mjpeg")])
def test_every_keyframe_of_ours_is_an_idr_picture_where_any_decoder_starts(codec: Any, name: str) -> None:
    source = TestSource("testsrc:320x240@200")
    source.open()
    encoder = Encoder(Channel(codec=codec, gop=5), name, 320, 240, 200)
    entries = []
    for index, captured in enumerate(take(source, 12)):
        assert captured.picture is not None
        ((unit, _),) = encoder.encode(captured.picture, captured.capture_ns, keyframe=index == 8)
        entries.append(unit.entry)
    assert {entries[index] for index in (0, 5, 8)} == {EntryPoint.IDR}
    assert EntryPoint.RECOVERY_POINT not in entries


@pytest.mark.parametrize(("codec", "name"), [("h264", "libx264"), ("h265", "libx265")])
def test_a_decoder_may_begin_at_any_keyframe(codec: Any, name: str) -> None:
    source = TestSource("testsrc:320x240@200")
    source.open()
    encoder = Encoder(Channel(codec=codec, gop=5), name, 320, 240, 200)
    units = []
    for captured in take(source, 12):
        assert captured.picture is not None
        units += encoder.encode(captured.picture, captured.capture_ns)
    for index, (unit, _) in enumerate(units):
        if unit.keyframe:
            decoder: Any = av.CodecContext.create(DECODERS[codec], "r")
            (picture,) = decoder.decode(av.Packet(unit.data)) + decoder.decode(None)
            assert number_in(picture) == index


def test_pictures_are_scaled_to_the_channel() -> None:
    source = TestSource("testsrc:640x480@100")
    source.open()
    encoder = Encoder(Channel(codec="jpeg"), "mjpeg", 320, 240, 100)
    captured = take(source, 3)[-1]
    assert captured.picture is not None
    ((unit, _),) = encoder.encode(captured.picture, captured.capture_ns)
    decoder: Any = av.CodecContext.create("mjpeg", "r")
    (picture,) = decoder.decode(av.Packet(unit.data))
    assert (picture.width, picture.height, number_in(picture)) == (320, 240, 2)


def test_a_shared_picture_is_left_as_it_was() -> None:
    source = TestSource("testsrc:320x240@100")
    source.open()
    (captured,) = take(source, 1)
    assert captured.picture is not None
    before = (captured.picture.pts, captured.picture.pict_type)
    for keyframe in (True, False):
        encoder = Encoder(Channel(), "libx264", 320, 240, 100)
        ((unit, _),) = encoder.encode(captured.picture, 5, keyframe=keyframe)
        assert unit.keyframe
    assert (captured.picture.pts, captured.picture.pict_type) == before


def test_quality_and_bit_rate_are_heeded() -> None:
    source = TestSource("testsrc:320x240@200")
    source.open()
    pictures = [captured.picture for captured in take(source, 40)]

    def size(channel: Channel, name: str) -> int:
        encoder = Encoder(channel, name, 320, 240, 30)
        units = [encoder.encode(picture, n * 33_000_000) for n, picture in enumerate(pictures) if picture]
        return sum(len(unit.data) for group in units for unit, _ in group)

    assert size(Channel(codec="jpeg", quality=95), "mjpeg") > 1.2 * size(Channel(codec="jpeg", quality=30), "mjpeg")
    assert size(Channel(quality=90), "libx264") > 1.5 * size(Channel(quality=30), "libx264")
    assert size(Channel(bit_rate=2_000_000), "libx264") > 1.5 * size(Channel(bit_rate=100_000), "libx264")


def test_an_encoder_that_is_not_there_is_named() -> None:
    with pytest.raises(EncoderError, match="nonesuch"):
        Encoder(Channel(), "nonesuch", 320, 240, 30)
