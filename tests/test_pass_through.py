# SPDX-License-Identifier: Apache-2.0
"""Cameras that encode by themselves: from their buffers, which a stand-in for the driver fills, to a reader."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from camera_streams import camera_of, decoded, jpegs, plug, stream
from encoded import UNIT_GOP, encoded
from fake_v4l2 import ERROR, Sent

from hil.streamer.sources.unit_assembler import UnitAssembler
from vshm_ctypes import Codec
from vshm_ctypes.bitstream import StreamError, nal_units
from vshm_ctypes.bitstream.nal import SYNTAXES

SETS = {Codec.H264: [7, 8], Codec.H265: [32, 33, 34]}


@pytest.fixture
def cameras(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Plugs cameras in."""
    return lambda *given: plug(monkeypatch, tmp_path, *given)


def kinds_of(data: bytes, codec: Codec) -> list[int]:
    return [nal.kind for nal in nal_units(data, codec)]


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_a_stream_of_several_nal_units_per_picture_arrives_as_it_is(ring: str, cameras: Any, codec: Codec) -> None:
    units = encoded(codec, "slices")
    camera = camera_of(codec, [data for data, _ in units])
    cameras(camera)
    frames, lane, _ = stream(ring, codec, camera)
    assert [(frame.data, frame.is_keyframe) for frame in frames] == list(units)
    assert [frame.codec for frame in frames] == [codec] * len(units)
    assert decoded(codec, frames) == len(units)
    assert lane.books.written == lane.books.captured == len(units)
    assert lane.books.imbalance() is None


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_parameter_sets_that_came_once_are_in_front_of_every_keyframe(ring: str, cameras: Any, codec: Codec) -> None:
    syntax, buffers = SYNTAXES[codec], []
    for index, (data, _) in enumerate(encoded(codec, "slices")):
        nals = list(nal_units(data, codec))
        sets = b"".join(data[nal.begin : nal.end] for nal in nals if nal.kind in syntax.parameter_sets)
        rest = b"".join(data[nal.begin : nal.end] for nal in nals if nal.kind not in syntax.parameter_sets)
        buffers += [sets, rest] if index == 0 else [rest]
    camera = camera_of(codec, buffers)
    cameras(camera)
    frames, _, _ = stream(ring, codec, camera)
    assert len(frames) == len(buffers) - 1
    keys = [frame for frame in frames if frame.is_keyframe]
    assert len(keys) == len(frames) // UNIT_GOP
    for frame in keys:
        assert [kind for kind in kinds_of(frame.data, codec) if kind in syntax.parameter_sets] == SETS[codec]
        assert decoded(codec, [frame]) == 1


def test_jpeg_pictures_arrive_without_what_is_behind_them(ring: str, cameras: Any) -> None:
    pictures = jpegs(10)
    camera = camera_of(Codec.JPEG, [data + bytes(1000) for data in pictures])
    cameras(camera)
    frames, _, _ = stream(ring, Codec.JPEG, camera)
    assert [frame.data for frame in frames] == pictures
    assert all(frame.is_keyframe for frame in frames)
    assert decoded(Codec.JPEG, frames) == 10


def test_a_damaged_picture_is_counted_and_the_next_one_says_so(ring: str, cameras: Any) -> None:
    pictures = jpegs(6)
    buffers = [Sent([data]) for data in pictures]
    buffers[2] = Sent([pictures[2][: len(pictures[2]) // 2]])
    buffers[4].flags |= ERROR
    camera = camera_of(Codec.JPEG, buffers)
    cameras(camera)
    frames, lane, _ = stream(ring, Codec.JPEG, camera)
    assert [frame.data for frame in frames] == [pictures[number] for number in (0, 1, 3, 5)]
    assert [frame.discontinuity for frame in frames[1:]] == [False, True, True]
    assert (lane.books.source_error, lane.books.captured) == (2, 6)
    assert lane.books.imbalance() is None


def test_a_picture_that_the_camera_lost_breaks_an_encoded_stream(ring: str, cameras: Any) -> None:
    camera = camera_of(Codec.H264, [data for data, _ in encoded(Codec.H264, "slices")[:6]])
    camera.queue[3].sequence = 5  # two are missing
    cameras(camera)
    frames, _, source = stream(ring, Codec.H264, camera)
    assert [frame.discontinuity for frame in frames[1:]] == [False, False, True, False, False]
    assert source.figures()["lost"] == 2


def test_two_pictures_in_one_buffer_become_two_frames(ring: str, cameras: Any) -> None:
    units = encoded(Codec.H264, "slices")
    pairs = [units[at][0] + units[at + 1][0] for at in range(0, len(units), 2)]
    camera = camera_of(Codec.H264, pairs)
    cameras(camera)
    frames, lane, _ = stream(ring, Codec.H264, camera)
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
