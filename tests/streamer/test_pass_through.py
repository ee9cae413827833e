# SPDX-License-Identifier: Apache-2.0
"""Cameras that encode by themselves: from their buffers, which a stand-in for the driver fills, to a reader."""

import itertools
import time
from pathlib import Path
from typing import Any

import pytest
from camera_streams import SIZE, camera_of, decoded, jpegs, plug, stream
from encoded import UNIT_GOP, encoded
from fake_v4l2 import ERROR, Sent

from hil.streamer.sources import capture_time
from hil.streamer.sources.modes import Wanted
from hil.streamer.sources.v4l2 import V4l2Source
from vshm_ctypes import Codec
from vshm_ctypes.bitstream import nal_units
from vshm_ctypes.bitstream.nal import SYNTAXES

SETS = {Codec.H264: [7, 8], Codec.H265: [32, 33, 34]}


@pytest.fixture
def cameras(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Plugs cameras in, whose times are believed even if this machine stands still for a while."""
    monkeypatch.setattr(capture_time, "MAX_AGE_NS", 1 << 60)
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


@pytest.mark.parametrize("wanted", [Wanted(SIZE, copy=True), Wanted(SIZE, codec=Codec.H264)], ids=["copy", "encoded"])
def test_a_picture_with_wrong_bytes_is_refused_whether_passed_on_or_decoded(cameras: Any, wanted: Wanted) -> None:
    pictures = jpegs(6)
    middle = len(pictures[0]) // 2
    pictures[1] = pictures[1][:middle] + pictures[1][middle + 1000 :]
    pictures[3] = pictures[3][:middle] + bytes(range(100)) * 5 + pictures[3][middle + 500 :]
    cameras(camera_of(Codec.JPEG, pictures))
    source = V4l2Source("auto", wanted)
    source.open()
    found = [source.read(1.0) for _ in pictures]
    assert [each is not None and each.bad for each in found] == [False, True, False, True, False, False]
    assert source.figures()["unchecked"] == 0
    source.close()


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


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
@pytest.mark.parametrize("spoilt", ["flagged", "empty", "torn"])
def test_after_one_bad_buffer_each_picture_has_its_own_time_and_the_books_balance(
    ring: str, cameras: Any, codec: Codec, spoilt: str
) -> None:
    units, begin_ns = encoded(codec, "slices"), time.monotonic_ns() - 1_000_000_000
    begin_ns -= begin_ns % 1000  # V4L2 tells microseconds
    buffers = [Sent([data], stamp_ns=begin_ns + 1_000_000 * number) for number, (data, _) in enumerate(units)]
    data = units[8][0]
    buffers[8] = Sent([{"flagged": data, "empty": b"", "torn": data[len(data) // 2 :]}[spoilt]])
    buffers[8].flags |= ERROR if spoilt == "flagged" else 0
    camera = camera_of(codec, buffers)
    cameras(camera)
    frames, lane, source = stream(ring, codec, camera)
    there = [number for number in range(len(units)) if number != 8]
    assert [frame.data for frame in frames] == [units[number][0] for number in there]
    assert [frame.capture_ns for frame in frames] == [begin_ns + 1_000_000 * number for number in there]
    assert [number for number, frame in zip(there, frames, strict=True) if frame.discontinuity] == [9]
    assert (lane.books.captured, lane.books.source_error, lane.books.imbalance()) == (len(units), 1, None)
    assert source.figures()["lost"] == 0


def test_slices_in_buffers_of_their_own_arrive_as_pictures_at_the_time_of_the_first(ring: str, cameras: Any) -> None:
    units, begin_ns = encoded(Codec.H264, "slices"), time.monotonic_ns() // 1000 * 1000 - 1_000_000_000
    buffers = [piece for data, _ in units for piece in pieces_of(data)]
    camera = camera_of(
        Codec.H264, [Sent([data], stamp_ns=begin_ns + 1_000_000 * number) for number, data in enumerate(buffers)]
    )
    cameras(camera)
    frames, lane, _ = stream(ring, Codec.H264, camera)
    assert [frame.data for frame in frames] == [data for data, _ in units]
    firsts = itertools.accumulate((len(pieces_of(data)) for data, _ in units[:-1]), initial=0)
    assert [(frame.capture_ns - begin_ns) // 1_000_000 - at for frame, at in zip(frames, firsts, strict=True)] == [
        sets_in(data) for data, _ in units
    ]
    assert lane.books.imbalance() is None


def pieces_of(data: bytes) -> list[bytes]:
    """Return each NAL unit by itself."""
    cuts = [*(nal.begin for nal in nal_units(data, Codec.H264)), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(cuts)]


def sets_in(data: bytes) -> int:
    """Return how many NAL units stand in front of the first slice."""
    return next(number for number, nal in enumerate(nal_units(data, Codec.H264)) if nal.kind <= 5)
