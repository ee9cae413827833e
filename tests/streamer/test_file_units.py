# SPDX-License-Identifier: Apache-2.0
"""Files that are passed through: each access unit as it is, with the time of its picture."""

import itertools
import json
import logging
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from clips import FPS, HEIGHT, WIDTH, even, number_of, offsets, play, source_of, write
from own_clock import Clock
from streamers import streaming

from hil.streamer.sources.clip import Clip
from hil.streamer.sources.file import FileSource
from hil.streamer.sources.source import Captured, SourceError
from hil.streamer.sources.timeline import Timeline
from hil.streamer.sources.units import Units
from vshm_ctypes import Codec, Consumer
from vshm_ctypes.bitstream import EntryPoint, entry_point, picture_format

COUNT = 40
X265 = {"x265-params": "keyint=10:min-keyint=10:scenecut=0:bframes=3:open-gop=0:log-level=none"}
ENCODERS = {"libx264": (Codec.H264, "h264"), "libx265": (Codec.H265, "hevc"), "mjpeg": (Codec.JPEG, "mjpeg")}


@pytest.fixture
def clock() -> Clock:
    return Clock()


def copied(path: Path, clock: Clock, loop: bool = False) -> FileSource:
    source = FileSource(str(path), loop, Timeline(clock, clock.sleep), copy=True)
    source.open()
    return source


def made(path: Path, encoder: str, count: int = COUNT) -> Path:
    pixels = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
    return write(path, even(count), encoder, X265 if encoder == "libx265" else None, pixels)


def shown(units: list[bytes], name: str) -> list[int]:
    """Return the numbers of the pictures that a decoder makes of them, in the order in which it shows them."""
    decoder: Any = av.CodecContext.create(name, "r")
    pictures = [picture for unit in units for picture in decoder.decode(av.Packet(unit))]
    return [number_of(picture) for picture in pictures + decoder.decode(None)]


def data_of(found: list[Captured]) -> list[bytes]:
    assert all(captured.unit for captured in found)
    return [captured.unit.data for captured in found if captured.unit]


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov", "ts", "avi", "asf", "flv", "raw"])
def test_every_unit_arrives_as_it_is_with_the_time_of_its_picture(
    clock: Clock, tmp_path: Path, encoder: str, ending: str
) -> None:
    codec, name = ENCODERS[encoder]
    if (encoder, ending) in {("mjpeg", "ts"), ("mjpeg", "flv"), ("libx265", "avi"), ("libx265", "asf")}:
        pytest.skip("there is no such thing")
    path = made(tmp_path / (f"clip.{ending}" if ending != "raw" else f"raw.{name}"), encoder)
    source = copied(path, clock)
    assert (source.codec, source.width, source.height) == (codec, WIDTH, HEIGHT)
    assert source.fps == pytest.approx(FPS, rel=0.01)
    now_s = clock()
    found: list[Captured] = []
    handed_out: list[float] = []
    while len(found) < COUNT:
        captured = source.read(0.1)
        if captured:
            found.append(captured)
            handed_out.append(clock())
    source.close()
    units = data_of(found)
    assert shown(units, name) == [number % 20 for number in range(COUNT)]
    entries = [number for number, captured in enumerate(found) if captured.unit and captured.unit.keyframe]
    assert entries == list(range(0, COUNT, 1 if encoder == "mjpeg" else 10))
    for at in entries:  # a decoder can begin at each of them
        assert shown(units[at:], name)[0] == at % 20
    # In the order of decoding they come out evenly, and none before it is shown.
    assert handed_out == pytest.approx([now_s + time_s for time_s in even(COUNT)], abs=0.011)
    assert all(captured.capture_ns <= round(at * 1e9) for captured, at in zip(found, handed_out, strict=True))
    if ending not in ("raw", "avi", "asf"):  # which do not tell when they are shown
        times = sorted(offsets(found))
        assert [time_s - times[0] for time_s in times] == pytest.approx(even(COUNT), abs=0.002)
        assert (sorted(offsets(found)) == offsets(found)) == (encoder == "mjpeg")


def test_what_came_before_a_file_can_not_be_read_on_is_handed_out(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several packets are read at once: an error in the midst of them must not lose those before it."""
    path, packets, packet = made(tmp_path / "clip.mp4", "libx264"), itertools.count(), Clip.packet

    def torn(clip: Clip) -> Any:
        if next(packets) == 25:
            raise SourceError(0, "torn")
        return packet(clip)

    monkeypatch.setattr(FileSource, "_look", lambda _: None)  # which decodes some packets
    monkeypatch.setattr(Clip, "packet", torn)
    source, found = copied(path, clock), []
    with pytest.raises(SourceError, match="torn"):
        while True:
            found.append(source.read(0.1))
    assert len(data_of([captured for captured in found if captured])) == 24  # the last one's end was not seen


def test_of_a_pipe_no_more_is_read_than_is_due(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program writes into it live is to be handed out, not waited for in heaps."""
    monkeypatch.setattr(Path, "is_file", lambda _: False)
    source = copied(made(tmp_path / "clip.mp4", "libx264"), clock)
    reader = source._reader
    assert isinstance(reader, Units)
    assert [len(reader.more()) for _ in range(3)] == [1, 1, 1]
    source.close()


def test_two_fields_of_one_picture_are_one_unit(clock: Clock, tmp_path: Path) -> None:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("needs ffmpeg: apt-get install ffmpeg")
    whole = tmp_path / "fields.ts"
    made = "testsrc2=size=64x64:rate=25:duration=1"
    words = ["-f", "lavfi", "-i", made, "-c:v", "libx264", "-flags", "+ildct+ilme", "-x264-params", "tff=1:keyint=5"]
    subprocess.run([ffmpeg, "-v", "error", *words, str(whole)], check=True, timeout=60)
    found = play(copied(whole, clock))
    assert len(found) == 25


@pytest.mark.parametrize("encoder", ["libx264", "libx265"])
@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts"])
def test_what_begins_in_the_middle_of_a_gop_is_passed_on_from_its_first_entry_point(
    clock: Clock, tmp_path: Path, encoder: str, ending: str
) -> None:
    whole = made(tmp_path / f"whole.{ending}", encoder)
    with av.open(str(whole)) as source, av.open(str(tmp_path / f"mid.{ending}"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.size and number >= 4:
                packet.stream = stream
                target.mux(packet)
    opened = copied(tmp_path / f"mid.{ending}", clock)
    begin_s = clock()
    found = play(opened)
    assert shown(data_of(found), ENCODERS[encoder][1]) == [number % 20 for number in range(10, COUNT)]
    assert begin_s - 0.4 <= found[0].capture_ns / 1e9 <= begin_s


def test_rounds_are_told_from_each_other(clock: Clock, tmp_path: Path) -> None:
    source = copied(made(tmp_path / "clip.mp4", "libx264", 20), clock, loop=True)
    found = play(source, 60)
    assert [at for at, captured in enumerate(found) if captured.discontinuity] == [20, 40]
    times = sorted(offsets(found))
    assert [time_s - times[0] for time_s in times] == pytest.approx(even(60), abs=0.002)


@pytest.mark.parametrize(("encoder", "at"), [("mjpeg", 10), ("libx264", 10), ("libx264", 15)])
def test_a_jump_of_times_is_no_interruption_within_a_gop(clock: Clock, tmp_path: Path, encoder: str, at: int) -> None:
    """A reader that is told of one waits for an entry point, and would lose what can be decoded.

    With B pictures times of decoding jump later than those at which pictures are shown, behind the keyframe.
    """
    times = [time_s + 100 * (number >= at) for number, time_s in enumerate(even(20))]
    pixels = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
    found = play(copied(write(tmp_path / "clip.mkv", times, encoder, pixels=pixels), clock))
    assert [place for place, captured in enumerate(found) if captured.discontinuity] == [10] * (encoder == "mjpeg")
    assert shown(data_of(found), ENCODERS[encoder][1]) == list(range(20))


def test_jpeg_pictures_that_are_cut_off_are_passed_over_and_counted(clock: Clock, tmp_path: Path) -> None:
    path = made(tmp_path / "clip.avi", "mjpeg", 20)
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data = path.read_bytes()
    cut = packets[7][:-40] + bytes(40)
    path.write_bytes(data.replace(packets[7], cut))
    source = copied(path, clock)
    found = play(source)
    assert [captured.bad for captured in found] == [number == 7 for number in range(20)]
    assert source.figures() == {"damaged": 1}


def test_what_a_ring_can_not_hold_is_refused_by_name(clock: Clock, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"clip\.mkv: mpeg4 can't be passed through; leave encoder=copy away"):
        copied(made(tmp_path / "clip.mkv", "mpeg4"), clock)


def with_matrix(path: Path, values: tuple[int, ...]) -> None:
    """Set the first five numbers of an .mp4's display matrix."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    data[at : at + 20] = b"".join(value.to_bytes(4, signed=True) for value in values)
    path.write_bytes(data)


def beside(path: Path, whole: Path, **said: object) -> Path:
    """Return a file whose container alone says that of its pictures."""
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        stream: Any = target.add_stream_from_template(source.streams.video[0])
        for name, value in said.items():
            setattr(stream.codec_context, name, value)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    return path


@pytest.mark.parametrize("encoder", ["libx264", "libx265"])
def test_what_the_container_alone_says_of_its_pictures_is_said_in_the_stream(
    clock: Clock, tmp_path: Path, encoder: str
) -> None:
    codec, name = ENCODERS[encoder]
    whole = made(tmp_path / "whole.mkv", encoder)
    said = {"color_range": 2, "colorspace": 9, "color_primaries": 9, "color_trc": 16}
    path = beside(tmp_path / "clip.mkv", whole, **said)
    found = play(copied(path, clock))
    units = data_of(found)
    for unit in units[::10]:
        told = picture_format(unit, codec)
        assert told is not None
        is_full = encoder == "libx264"  # libx265 says that it is limited
        assert (told.full_range, told.matrix, told.primaries, told.transfer) == (is_full, 9, 9, 16)
    assert shown(units, name) == [number % 20 for number in range(COUNT)]


@pytest.mark.parametrize("encoder", ["libx264", "libx265"])
def test_pixels_are_of_the_shape_that_the_container_says(clock: Clock, tmp_path: Path, encoder: str) -> None:
    name = ENCODERS[encoder][1]
    path = made(tmp_path / "clip.mp4", encoder)
    with_matrix(path, (65536 * 5 // 4, 0, 0, 0, 65536))
    units = data_of(play(copied(path, clock)))
    decoder: Any = av.CodecContext.create(name, "r")
    pictures = [picture for unit in units for picture in decoder.decode(av.Packet(unit))] + decoder.decode(None)
    assert [number_of(picture) for picture in pictures] == [number % 20 for number in range(COUNT)]
    assert decoder.sample_aspect_ratio == Fraction(5, 4)


def test_what_the_stream_says_of_its_colours_is_not_changed_by_its_container(clock: Clock, tmp_path: Path) -> None:
    options = {"x264-params": "keyint=10:fullrange=off:colormatrix=smpte170m:colorprim=smpte170m:transfer=bt709"}
    whole = write(tmp_path / "whole.mkv", even(20), "mpeg4")  # its pictures, encoded anew
    with av.open(str(whole)) as source, av.open(str(tmp_path / "said.mkv"), "w") as target:
        stream: Any = target.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height = WIDTH, HEIGHT
        for picture in source.decode(video=0):
            target.mux(stream.encode(picture))
        target.mux(stream.encode(None))
    path = beside(tmp_path / "clip.mkv", tmp_path / "said.mkv", color_range=2, colorspace=9, color_primaries=9)
    plain, other = (data_of(play(copied(one, clock))) for one in (tmp_path / "said.mkv", path))
    assert plain == other


def test_what_an_edit_list_leaves_out_is_passed_through_and_told(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It begins in the middle of a GOP, as what was cut without being encoded anew does."""
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    whole, path = made(tmp_path / "whole.mp4", "libx264"), tmp_path / "clip.mp4"
    options = {"use_editlist": "1", "avoid_negative_ts": "disabled"}
    with av.open(str(whole)) as source, av.open(str(path), "w", options=options) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                assert packet.pts is not None
                assert packet.dts is not None
                early = round(Fraction(7, 10) / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - early, packet.dts - early, stream
                target.mux(packet)
    found = play(copied(path, clock))
    assert shown(data_of(found), "h264") == [number % 20 for number in range(10, COUNT)]
    assert "its edit list leaves out are passed through" in caplog.text
    plain = play(source_of(path, clock))
    assert [number_of(captured.picture) for captured in plain] == [number % 20 for number in range(18, COUNT)]


def test_what_lies_on_its_side_is_told(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    caplog.set_level(logging.INFO)
    path = made(tmp_path / "clip.mp4", "libx264")
    with_matrix(path, (0, 65536, 0, -65536, 0))
    source = copied(path, clock)
    assert (source.width, source.height) == (WIDTH, HEIGHT)
    source.close()
    assert "on its side, as it is stored" in caplog.text


def test_a_recovery_point_at_the_begin_of_an_mp4_gets_its_parameter_sets(clock: Clock, tmp_path: Path) -> None:
    """The filter that turns .mp4 into a byte stream gives them to IDR pictures only."""
    whole = tmp_path / "whole.mkv"
    options = {"x264-params": "keyint=10:min-keyint=10:scenecut=0:bframes=0:intra-refresh=1"}
    with av.open(str(whole), "w") as container:
        stream: Any = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for _ in range(40):
            container.mux(stream.encode(av.VideoFrame(160, 96, "yuv420p")))
        container.mux(stream.encode(None))
    part = tmp_path / "part.mkv"
    with av.open(str(whole)) as source, av.open(str(part), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.size and number >= 5:
                packet.stream = stream
                target.mux(packet)
    found = play(copied(part, clock))
    first = found[0].unit
    assert first is not None
    assert first.entry is entry_point(first.data, Codec.H264) is EntryPoint.RECOVERY_POINT
    decoder: Any = av.CodecContext.create("h264", "r")
    pictures = [picture for unit in data_of(found) for picture in decoder.decode(av.Packet(unit))]
    assert pictures


@pytest.mark.parametrize("words", ["encoder=copy", "gop=8"])
def test_a_file_is_passed_through_where_that_is_asked_for(ring: str, tmp_path: Path, words: str) -> None:
    path = made(tmp_path / "clip.mp4", "libx264")
    with streaming(ring, "--device", f"file:{path}", "--channel", f"{ring}:slots=60,{words}", "--stats") as process:
        with Consumer(ring, start="oldest") as stream:
            frames = list(stream)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert len(frames) == json.loads(out)["channels"][ring]["written"] == COUNT
    assert shown([frame.data for frame in frames], "h264") == [number % 20 for number in range(COUNT)]
    assert {(frame.width, frame.height) for frame in frames} == {(WIDTH, HEIGHT)}
    keys = [number for number, frame in enumerate(frames) if frame.is_keyframe]
    assert keys == list(range(0, COUNT, 10 if words == "encoder=copy" else 8))
