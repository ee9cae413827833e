# SPDX-License-Identifier: Apache-2.0
"""A ring of raw pictures before each verb of vshm: shown with its format, written to a file, or refused with advice."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy
import pytest
from raw_pictures import levels_of
from vshm import codes, vshm
from writers import meanwhile

from vshm_ctypes import Codec, Colour, Consumer, PictureLayout, Producer, Range, picture_layout
from vshm_ctypes.bundles.archive import members
from vshm_ctypes.cli.main import main

BT709 = Colour(1, 1, 1, Range.LIMITED)
NOISE = numpy.random.default_rng(2)


def layout_of(codec: Codec, width: int = 62, height: int = 34, padding: int = 6) -> PictureLayout:
    tight = picture_layout(codec, width, height).planes[0].stride
    return picture_layout(codec, width, height, stride=tight + padding, colour=BT709)


def picture_of(layout: PictureLayout) -> bytes:
    return NOISE.integers(0, 256, layout.size, dtype=numpy.uint8).tobytes()


@contextmanager
def camera(ring: str, layout: PictureLayout) -> Iterator[Producer]:
    """Run a writer of raw pictures during the block."""
    picture = picture_of(layout)
    with Producer(ring, slots=250, slot_size=layout.size) as producer:  # five seconds

        def write() -> None:
            producer.write(picture, fps=25, **layout.meta())

        write()
        with meanwhile(write, 0.02):
            yield producer


def test_list_and_show_tell_format_size_and_rows(ring: str) -> None:
    layout = layout_of(Codec.NV12)
    with camera(ring, layout):
        (line,) = [line for line in vshm("list", "-s", "0.2").out.splitlines() if line.startswith(ring)]
        shown, told = vshm("show", ring, "-s", "0.2"), vshm("show", ring, "-s", "0.2", "--json").json
    assert line.split()[1:3] == ["nv12", "62x34"]
    assert (shown.code, shown.err) == (0, "")
    assert "stream:       nv12 62x34\n" in shown.out
    rows = "34 rows of 68 bytes, 17 rows of 68 bytes; range limited, matrix 1, primaries 1, transfer 1 of H.273"
    assert f"picture:      {rows}\n" in shown.out
    assert "format:       version 2, extended, video\n" in shown.out
    assert told["gop"] == 1 and told["slots"][0]["meta"]["reserved"] == layout.reserved.hex()


def test_watch_and_export_count_raw_pictures(ring: str) -> None:
    with camera(ring, layout_of(Codec.RGB24)):
        watched = vshm("watch", ring, "-t", "1")
        samples = vshm("export", "--json").json["samples"]
    assert watched.code == 0 and "key every 1" in watched.out
    (stream,) = [
        one["labels"] for one in samples if one["name"] == "vshm_stream_info" and one["labels"]["ring"] == ring
    ]
    assert (stream["codec"], stream["width"], stream["height"]) == ("rgb24", "62", "34")


def test_check_finds_pictures_of_a_wrong_size_and_nothing_in_right_ones(ring: str) -> None:
    layout = layout_of(Codec.I420)
    with camera(ring, layout):
        assert codes(vshm("check", ring, "--json", "-s", "0.1"), ring) == []
    with Producer(ring, slots=8, slot_size=layout.size) as producer:
        producer.write(bytes(layout.size - 1), **layout.meta())
        assert "not-decodable" in codes(vshm("check", ring, "--json", "-s", "0.1"), ring)
        told, shown = vshm("check", ring, "-s", "0.1").out, vshm("show", ring, "-s", "0.1").out
    why = f"a i420 picture of 62x34 with rows of 68 bytes has {layout.size} bytes, but this frame has {layout.size - 1}"
    assert why in told and why in shown


# ---- record ----


@pytest.mark.parametrize("codec", [Codec.I420, Codec.NV12, Codec.YUYV, Codec.GREY])
@pytest.mark.parametrize(("width", "padding"), [(62, 0), (62, 6), (61, 0), (61, 6)])
def test_what_y4m_takes_plays_as_it_was(ring: str, tmp_path: Path, codec: Codec, width: int, padding: int) -> None:
    layout, path = layout_of(codec, width, 34, padding), tmp_path / "clip.y4m"
    pictures = [picture_of(layout) for _ in range(3)]
    with Producer(ring, slots=8, slot_size=layout.size) as producer:
        for picture in pictures:
            producer.write(picture, fps=25, **layout.meta())
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", "3"]) == 0
    with av.open(str(path)) as container:
        (stream,) = container.streams
        assert isinstance(stream, av.VideoStream) and stream.average_rate == 25
        found = list(container.decode(stream))
    assert len(found) == 3
    for seen, picture in zip(found, pictures, strict=True):
        assert (seen.width, seen.height, int(seen.color_range)) == (width, 34, 1)
        levels = levels_of(picture, layout)
        for number, plane in enumerate(seen.planes):
            lines = numpy.frombuffer(bytes(plane), numpy.uint8).reshape(-1, plane.line_size)[:, : plane.width]
            across, down = -(-width // plane.width), -(-34 // plane.height)
            assert (lines.repeat(down, 0).repeat(across, 1)[:34, :width] == levels[..., number]).all()


def test_without_a_name_that_says_otherwise_pictures_are_written_as_they_lie(ring: str, tmp_path: Path) -> None:
    layout, path = layout_of(Codec.BGR24), tmp_path / "clip.raw"
    picture = picture_of(layout)
    with Producer(ring, slots=8, slot_size=layout.size) as producer:
        for _ in range(2):
            producer.write(picture, **layout.meta())
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", "2"]) == 0
    assert path.read_bytes() == picture * 2


@pytest.mark.parametrize(
    ("codec", "ending", "advice"),
    [
        (Codec.RGB24, ".y4m", ".y4m holds no rgb24: record to a name without one"),
        (Codec.NV12, ".mp4", ".mp4 holds no nv12: record to .y4m"),
        (Codec.I420, ".h264", ".h264 holds no i420: record to .y4m"),
        (Codec.GREY, ".mkv", ".mkv holds no grey: record to .y4m"),
    ],
)
def test_what_a_file_can_not_hold_is_refused_before_it_is_made(
    ring: str, tmp_path: Path, codec: Codec, ending: str, advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with camera(ring, layout_of(codec)):
        assert main(["record", ring, "-o", str(tmp_path / f"clip{ending}"), "-c", "1"]) == 2
    assert f"{ring} has {codec.name.lower()}, and {advice}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_picture_of_a_wrong_size_ends_the_file_behind_the_last_whole_one(
    ring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout, path = layout_of(Codec.GREY), tmp_path / "clip.y4m"
    with Producer(ring, slots=8, slot_size=layout.size) as producer:
        producer.write(bytes(layout.size), fps=25, **layout.meta())
        producer.write(bytes(layout.size - 1), fps=25, **layout.meta())
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", "2", "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["frames"] == 1
    assert "frame 1: a grey picture of 62x34" in err
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) == 1


# ---- the rest ----


def test_a_bundle_has_some_pictures_and_its_page_says_where(ring: str, tmp_path: Path) -> None:
    layout, path = layout_of(Codec.RGB24, 640, 480), tmp_path / "case.tar.zst"
    with camera(ring, layout):
        assert vshm("bundle", "-o", str(path), "--seconds", "1").code == 0
    found = dict(members(path))
    kept = found[f"pictures{ring}.bin"]
    assert layout.size <= len(kept) <= 16 << 20 and len(kept) % layout.size == 0
    assert vshm("bundle", "--open", str(path)).code == 0
    page = path.with_name(f"{path.name}.html").read_text()
    assert f"raw pictures (rgb24) are not shown: unpack pictures{ring}.bin" in page


def test_a_log_of_raw_pictures_is_drawn(ring: str, tmp_path: Path) -> None:
    log = tmp_path / "watch.log"
    with camera(ring, layout_of(Codec.YUYV)):
        assert vshm("watch", ring, "-t", "2", "--log", str(log)).code == 0
    drawn = vshm("plot", str(log))
    assert (drawn.code, drawn.err) == (0, "")


def test_each_raw_picture_is_a_keyframe_to_a_reader_of_keyframes(ring: str) -> None:
    layout = layout_of(Codec.GREY)
    size = layout.size
    with Producer(ring, slots=8, slot_size=size) as producer, Consumer(ring, policy="keyframes", resync=True) as stream:
        for _ in range(3):
            producer.write(bytes(size), codec=Codec.GREY, width=62, height=34, reserved=layout.reserved)
        assert [stream.receive(0) is not None for _ in range(4)] == [True, True, True, False]


def test_a_raw_stream_on_standard_output_is_what_ffmpeg_takes(ring: str) -> None:
    layout = picture_layout(Codec.NV12, 64, 48)
    with camera(ring, layout):
        command = [sys.executable, "-m", "vshm_ctypes", "record", ring, "-o", "-", "-c", "3"]
        piped = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    with av.open(io.BytesIO(piped), format="rawvideo", options={"video_size": "64x48", "pixel_format": "nv12"}) as raw:
        assert isinstance(raw, av.container.InputContainer)
        assert len(list(raw.decode(video=0))) == 3
