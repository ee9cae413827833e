# SPDX-License-Identifier: Apache-2.0
"""The files of tests/corpus, through camera-streamer: what comes out is as their table says."""

from itertools import pairwise
from pathlib import Path

import av
import pytest
from corpus.files import FILES, GREYS, File
from round_trip import pictures, play, record
from streamers import take

from vshm_ctypes import Codec, Consumer, Flag
from vshm_ctypes.bitstream import StreamError, whole_jpeg

BY_NAME = {file.name: file for file in FILES}
INTERVAL_NS = 40_000_000  # of a source that has no rate of its own


def file(name: str) -> File:
    return BY_NAME[name]


def test_a_file_that_starts_at_an_hour_plays_whole(ring: str, tmp_path: Path) -> None:
    source, made = file("starts_late.ts").path, tmp_path / "recorded.mp4"
    record(source, ring, 12, [made])
    assert pictures(made) == pictures(source)


def test_an_odd_size_is_encoded_with_a_pixel_less_or_more(ring: str) -> None:
    with play(file("odd_size.mp4").path, ring, "slots=60"), Consumer(ring, start="oldest") as stream:
        frames = take(stream, 6)
    assert {(abs(frame.width - 65) <= 1, abs(frame.height - 49) <= 1) for frame in frames} == {(True, True)}


@pytest.mark.parametrize("codec", ["h264", "h265", "jpeg"])
def test_full_range_arrives_as_it_was(ring: str, codec: str) -> None:
    with play(file("full_range.mkv").path, ring, f"codec={codec},slots=60"), Consumer(ring, start="oldest") as stream:
        frames = take(stream, 3)
    name = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}[Codec(frames[0].codec)]
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    shown = [picture for one in (*(av.Packet(frame.data) for frame in frames), None) for picture in decoder.decode(one)]
    assert int(shown[0].color_range) == 2  # full
    luma = shown[0].planes[0]
    middles = [24 * luma.line_size + 16 * number + 8 for number in range(len(GREYS))]
    assert [bytes(luma)[at] for at in middles] == pytest.approx(GREYS, abs=3)


def test_a_still_is_held_an_interval_each_without_an_interruption(ring: str) -> None:
    with play(file("still.png").path, ring, "slots=60"), Consumer(ring, start="oldest") as stream:
        frames = take(stream, 8)
    steps = [after.capture_ns - before.capture_ns for before, after in pairwise(frames)]
    assert steps == pytest.approx([INTERVAL_NS] * 7, rel=0.25)
    assert not any(frame.flags & Flag.DISCONTINUITY for frame in frames[1:])


def test_a_picture_that_is_cut_off_is_refused_whatever_its_thumbnail_has() -> None:
    with pytest.raises(StreamError, match="cut off"):
        whole_jpeg(file("cut_with_thumbnail.jpg").path.read_bytes())
