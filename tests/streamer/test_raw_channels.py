# SPDX-License-Identifier: Apache-2.0
"""Channels of raw pictures: what camera-streamer writes of them, into which slots, and what it refuses."""

import itertools
import tomllib
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy
import pytest
from raw_pictures import colour_told, levels_of, planes_of
from streamers import end, streaming, take

from hil.streamer.channels import RAW_CODECS, Channel, ChannelError
from hil.streamer.colour import Colour
from hil.streamer.encoder_settings import EncoderError
from hil.streamer.lane import Lane
from hil.streamer.ledger import read_ledger
from hil.streamer.main import main, wanted_of
from hil.streamer.open_lane import open_lane
from hil.streamer.raw_pictures import CODECS, RawPictures, geometry_for, layout_for
from hil.streamer.sources import barcode
from hil.streamer.sources.modes import Offer, Size, choose_mode
from hil.streamer.sources.source import Captured
from hil.suite import patches
from vshm_ctypes import Codec, Consumer, Frame, inspect, picture_layout
from vshm_ctypes.picture import PIXELS

MS = 1_000_000
CAMERA: Any = SimpleNamespace(live=True, name="camera", width=64, height=48, fps=25.0, codec=None)
NOISE = numpy.random.default_rng(1)
GUARD = 4096


def noise(width: int, height: int, pixels: str) -> av.VideoFrame:
    picture = av.VideoFrame(width, height, pixels)
    for plane in picture.planes:
        plane.update(NOISE.integers(0, 256, plane.buffer_size, dtype=numpy.uint8).tobytes())
    return picture


def roomy(picture: av.VideoFrame, raw: RawPictures) -> list[Any]:
    """Return the planes as swscale makes them where nothing lies behind a row."""
    assert raw._scaler is not None
    strides = [plane.stride + 256 for plane in raw.layout.planes]
    memory = [numpy.zeros((plane.rows + 1, plane.stride + 256), numpy.uint8) for plane in raw.layout.planes]
    raw._scaler.scale(picture, [plane.ctypes.data for plane in memory], strides)
    return [plane[:-1, : shape.stride] for plane, shape in zip(memory, raw.layout.planes, strict=True)]


@pytest.mark.parametrize("codec", PIXELS, ids=lambda codec: codec.name)
@pytest.mark.parametrize("width", [16, 34, 48, 98, 100, 144, 318, 320, 321, 322, 336])
def test_nothing_is_written_outside_of_the_picture_nor_into_another_plane(codec: Codec, width: int) -> None:
    """swscale writes several pixels at once, and goes beyond the end of a row whose width is no multiple of them."""
    for pixels, before in (("yuv420p", (width, 50)), ("bgr24", (width, 50)), ("yuyv422", (400, 60))):
        picture, raw = noise(*before, pixels), RawPictures(codec, width, 50)
        layout = raw.describe(picture)
        memory = bytearray(b"\xa5" * (layout.size + 2 * GUARD))
        raw.convert(picture, memoryview(memory)[GUARD : GUARD + layout.size])
        assert memory[:GUARD] == memory[-GUARD:] == b"\xa5" * GUARD
        found, expected = planes_of(memory[GUARD:-GUARD], layout), roomy(picture, raw)
        for plane, whole in zip(found, expected, strict=True):
            assert (plane == whole[:, : plane.shape[1]]).all()


def test_rows_have_no_padding_at_widths_that_programs_ask_for() -> None:
    for codec in PIXELS:
        for width in (320, 416, 512, 640, 800, 1280, 1920, 3840):
            assert layout_for(codec, width, 480) == picture_layout(codec, width, 480)


@pytest.mark.parametrize(
    ("words", "codec", "size", "geometry"),
    [
        ("0:codec=rgb24", Codec.RGB24, (320, 320), (30, 307200)),
        ("0:codec=nv12", Codec.NV12, (1920, 1080), (10, 3110400)),
        ("0:codec=nv12", Codec.NV12, (3840, 2160), (4, 12441600)),
        ("0:codec=grey,slots=7,slot=1M", Codec.GREY, (640, 480), (7, 1 << 20)),
        ("0:codec=grey", Codec.GREY, (1024, 512), (30, 524288 + 64)),
        ("0:codec=grey,slots=30,slot=512k", Codec.GREY, (64, 48), (30, 524288 + 64)),
    ],
)
def test_slots_fit_the_picture_and_are_never_those_of_version_1(
    words: str, codec: Codec, size: tuple[int, int], geometry: tuple[int, int]
) -> None:
    assert geometry_for(Channel.parse(words), layout_for(codec, *size)) == geometry


def test_slots_that_are_too_small_are_refused_with_what_is_needed() -> None:
    told = "/video_stream_ch0: slot=1024: a grey picture of 640x480 has 307200 bytes; leave slot out to have it fit"
    with pytest.raises(EncoderError, match=told):
        geometry_for(Channel.parse("0:codec=grey,slot=1k"), layout_for(Codec.GREY, 640, 480))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("0:codec=rgb24,bit_rate=2M", "bit_rate=2000000: not with codec=rgb24, where nothing is encoded"),
        ("0:320x240,2M,codec=nv12", "bit_rate=2000000: not with codec=nv12"),
        ("0:codec=grey,gop=5", "gop=5: not with codec=grey"),
        ("0:codec=i420,quality=5", "quality=5: not with codec=i420"),
        ("0:codec=yuyv,profile=main", "profile=main: not with codec=yuyv"),
        ("0:codec=bgr24,encoder=libx264", "encoder=libx264: makes h264, not bgr24"),
        ("0:codec=bgr24,encoder=copy", "encoder=copy: passes on what the source has encoded, so codec=bgr24 can't be"),
        ("0:codec=rgb", "codec=rgb: one of auto, h264, h265, jpeg, nv12, i420, yuyv, rgb24, bgr24, grey"),
        ("0:codec=rgb24,slots=1", "slots=1: from 2 to 4096"),
    ],
)
def test_what_an_encoder_would_heed_is_refused(words: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ChannelError, match=f"^{told}"):
        Channel.parse(words)
    assert main(["--device", "testsrc", "--channel", words]) == 2
    assert told in capsys.readouterr().err


def test_a_file_of_settings_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--channel", "3:320x320@10,codec=rgb24", "--print-config"]) == 0
    printed = capsys.readouterr().out
    (table,) = tomllib.loads(printed)["channel"]
    assert (table["codec"], table["slots"], table["slot"]) == ("rgb24", 0, 0)
    (tmp_path / "camera.toml").write_text(printed)
    assert main(["--config", str(tmp_path / "camera.toml"), "--print-config"]) == 0
    assert capsys.readouterr().out == printed


SIZE = Size(640, 480)
OFFERS = [Offer(name, "", SIZE, SIZE, (30.0,)) for name in ("MJPG", "NV12", "YUYV", "RGB3", "GREY")]


@pytest.mark.parametrize(
    ("words", "fourcc"),
    [
        (["0:codec=yuyv"], "YUYV"),
        (["0:codec=rgb24"], "RGB3"),
        (["0:codec=grey", "1:codec=grey"], "GREY"),
        (["0:codec=bgr24"], "NV12"),  # which the camera has not
        (["0:codec=yuyv", "1:codec=h264"], "NV12"),
        (["0:codec=yuyv", "1:320x240,codec=yuyv"], "NV12"),
    ],
)
def test_a_camera_that_has_the_format_itself_is_asked_for_it(words: list[str], fourcc: str) -> None:
    wanted = wanted_of([Channel.parse(channel) for channel in words])
    assert choose_mode(OFFERS, SIZE, wanted).fourcc == fourcc


# ---- lanes ----


def read_all(ring: str, lane: Lane) -> list[Frame]:
    with Consumer(ring, start="oldest") as stream:
        lane.close()
        return list(stream)


def test_a_lane_converts_each_picture_into_its_slot(ring: str) -> None:
    lane = Lane(Channel(ring=ring, codec="rgb24", width=128, height=96, slots=10), CAMERA, None, None)
    for number in range(3):
        lane._handle(Captured((number + 1) * 40 * MS, picture=patches.picture("nv12", Colour()), sequence=number))
    frames = read_all(ring, lane)
    assert [(frame.codec, frame.width, frame.height, frame.fps) for frame in frames] == [(Codec.RGB24, 128, 96, 25)] * 3
    assert all(frame.is_keyframe and not frame.discontinuity for frame in frames[1:])
    assert [frame.capture_ns for frame in frames] == [40 * MS, 80 * MS, 120 * MS]
    assert lane.books.imbalance() is not None  # they were not offered
    assert lane.books.written == lane.books.encoded == 3


def test_pictures_of_another_size_are_scaled_to_that_of_the_slots(ring: str) -> None:
    lane = Lane(Channel(ring=ring, codec="i420"), CAMERA, None, None)
    for width in (64, 128, 32):
        picture = av.VideoFrame(width, 48, "yuv420p")
        ramp: list[float] = numpy.linspace(0, 255, width).tolist()
        for plane, levels in zip(picture.planes, (ramp, [90.0], [160.0]), strict=True):
            lines = numpy.full((plane.height, plane.line_size), levels[-1], numpy.uint8)
            lines[:, : len(levels)] = levels
            plane.update(lines.tobytes())
        lane._handle(Captured(40 * MS, picture=picture))
    frames = read_all(ring, lane)
    assert [(frame.width, frame.height, frame.size) for frame in frames] == [(64, 48, 4608)] * 3
    for frame in frames:
        assert frame.layout is not None
        luma = levels_of(frame.data, frame.layout)[..., 0].astype(float)
        assert abs(luma - numpy.linspace(0, 255, 64)).max() <= 8
    assert lane.failure is None


def test_what_can_not_be_converted_ends_the_channel_and_leaves_no_half_of_a_frame(ring: str) -> None:
    lane = Lane(Channel(ring=ring, codec="bgr24"), CAMERA, None, None)
    picture = noise(64, 48, "yuyv422")
    picture.colorspace = 14
    lane.offer(Captured(40 * MS, picture=noise(64, 48, "yuyv422")))
    lane.offer(Captured(80 * MS, picture=picture))
    lane._thread.join(0.01)
    frames = read_all(ring, lane)
    assert len(frames) <= 1
    assert lane.failure is not None and "matrix 14" in str(lane.failure)


@pytest.mark.parametrize(("width", "stride"), [(64, 64), (62, 80), (318, 384)])
def test_a_camera_s_own_rows_with_padding_are_copied_once_and_without_it(width: int, stride: int) -> None:
    """In place, as a driver's buffer is taken."""
    rows = NOISE.integers(0, 256, (72, stride), dtype=numpy.uint8)
    picture = av.VideoFrame.from_numpy_buffer(rows, format="nv12", width=width)
    assert picture.planes[0].buffer_ptr == rows.ctypes.data
    raw = RawPictures(Codec.NV12, width, 48)
    layout = raw.describe(picture)
    slot = bytearray(layout.size)
    raw.convert(picture, memoryview(slot))
    luma, chroma = planes_of(slot, layout)
    assert (luma == rows[:48, :width]).all() and (chroma == rows[48:, :width]).all()


def test_a_source_that_has_encoded_its_pictures_itself_is_refused(ring: str) -> None:
    camera: Any = SimpleNamespace(**vars(CAMERA) | {"codec": Codec.H264})
    with pytest.raises(
        EncoderError, match="camera is encoded already, h264 of 64x48; passed through, it can't be rgb24"
    ):
        open_lane(Channel(ring=ring, codec="rgb24"), camera, None)


# ---- as a process ----


@pytest.mark.parametrize("codec", RAW_CODECS)
def test_every_picture_of_the_pattern_arrives_as_it_was_captured(ring: str, codec: str, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    words = ["--device", "testsrc:320x240@30", "--channel", f"{ring}:codec={codec}", "--stats", "--ledger", str(ledger)]
    with streaming(ring, *words) as process:
        with Consumer(ring, start="oldest") as stream:
            frames = take(stream, 40)
        assert inspect(ring).version == 2
        books = end(process)[ring]
    records = {record.number: record for record in read_ledger(ledger)}
    for frame in frames:
        layout = frame.layout
        assert layout is not None
        assert (layout.codec, layout.width, layout.height, frame.fps) == (CODECS[codec], 320, 240, 30)
        assert colour_told(layout).matrix in (0, 6)
        levels = levels_of(frame.data, layout)
        luma = levels.astype(float).mean(axis=2) if layout.colour.matrix == 0 else levels[..., 0]
        assert barcode.read(luma.astype(numpy.uint8)) == records[frame.number].v4l2_sequence
        assert zlib.crc32(frame.data) == records[frame.number].crc32
        assert records[frame.number].entry_ns <= frame.publish_ns
    assert books["imbalance"] is None and books["refused"] == books["ring_dropped"] == 0
    assert books["written_bytes"] == books["written"] * frames[0].size


def test_a_raw_channel_beside_encoded_ones_has_its_own_size_and_rate(ring: str) -> None:
    raw = f"{ring}_raw"
    channels = ["--channel", f"{ring}:", "--channel", f"{raw}:160x160@10,codec=rgb24"]
    words = ["--device", "testsrc:320x240@30", *channels, "--stats"]
    with streaming(raw, *words) as process, Consumer(raw) as stream, Consumer(ring) as encoded:
        frames, coded = take(stream, 5), take(encoded, 3)
        books = end(process)
    assert [(frame.width, frame.height, frame.fps, frame.size) for frame in frames] == [(160, 160, 10, 76800)] * 5
    assert {frame.codec for frame in coded} == {Codec.H264}
    assert books[raw]["imbalance"] is None
    gaps = [(later.capture_ns - former.capture_ns) / 1e9 for former, later in itertools.pairwise(frames)]
    assert min(gaps) > 0.05


def test_players_get_no_raw_pictures_and_are_told_why(ring: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--device", "testsrc:320x240@30", "--channel", f"{ring}:codec=nv12", "--websocket", "0"]
    assert main(words) == 2
    told = f"--websocket: all channels have raw pictures, which no player takes: {ring}"
    assert told in capsys.readouterr().err
    both = [*words[:4], "--channel", f"{ring}_encoded:", *words[4:], "--stats"]
    with streaming(f"{ring}_encoded", *both) as process:
        process.terminate()
        _, err = process.communicate()
    assert f"{ring}: raw pictures are not served over WebSocket" in err
