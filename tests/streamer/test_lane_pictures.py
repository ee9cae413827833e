# SPDX-License-Identifier: Apache-2.0
"""What a ring says of the pictures in it, which follow their source."""

import dataclasses
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import av
import pytest
from corpus.bits import Bits
from encoded import stream
from nal_writer import nal, pps, slice_, sps
from writers import wait_until

from hil.streamer.channels import Channel
from hil.streamer.lane import Lane
from hil.streamer.pass_through import PassThrough
from hil.streamer.sources.source import Captured
from vshm_ctypes import Codec, Consumer, Frame
from vshm_ctypes.bitstream import AccessUnit, entry_point, picture_format

MS = 1_000_000
CAMERA: Any = SimpleNamespace(live=True, name="camera", width=64, height=48, fps=25.0, codec=None)


def read_all(ring: str, lane: Lane | PassThrough) -> list[Frame]:
    with Consumer(ring, start="oldest") as stream:
        lane.close()
        return list(stream)


def passed_through(ring: str, units: list[bytes], codec: Codec = Codec.H264) -> list[Frame]:
    """Return what readers see of a camera's own stream, which it announces as 64x48 at 25 fps."""
    camera: Any = SimpleNamespace(**vars(CAMERA) | {"codec": codec})
    lane = PassThrough(Channel(ring=ring, encoder="copy", slots=100, slot=1 << 16), camera, codec, None)
    for number, data in enumerate(units):
        lane.offer(Captured((number + 1) * 40 * MS, unit=AccessUnit(data, entry_point(data, codec))))
    frames = read_all(ring, lane)
    assert lane.failure is None
    return frames


def timing(units: int, scale: int) -> Bits:
    return Bits().u(4, 0).u(1, 1).u(32, units).u(32, scale).u(1, 1).u(4, 0)


def test_of_a_stream_that_is_passed_through_the_ring_says_what_the_stream_says(ring: str) -> None:
    small, large = sps(size=(10, 6), vui=timing(1, 30)), sps(size=(20, 15), vui=timing(1, 60))
    key, other = slice_(kind=5, reference=3, lsb=0), slice_(frame_num=1, lsb=2)
    units = [small + pps() + key, other, key, other, large + pps() + key, other, small + key, other, key]
    frames = passed_through(ring, units)
    sizes = [(frame.width, frame.height, frame.fps) for frame in frames]
    assert sizes == [(160, 96, 15)] * 4 + [(320, 240, 30)] * 2 + [(160, 96, 15)] * 3
    assert [index for index, frame in enumerate(frames) if frame.discontinuity] == [4, 6]


@pytest.mark.parametrize(("units", "scale"), [(0, 0), (0, 90000), (1, 90000), (1, 1000), (1000, 3), (2**32 - 1, 1)])
def test_a_rate_that_no_camera_has_is_not_believed(ring: str, units: int, scale: int) -> None:
    sets = sps(size=(10, 6), vui=timing(units, scale)) + pps()
    (frame,) = passed_through(ring, [sets + slice_(kind=5, reference=3, lsb=0)])
    assert (frame.width, frame.height, frame.fps) == (160, 96, 25)


def test_before_a_stream_has_told_its_size_it_is_what_the_source_says(ring: str) -> None:
    frames = passed_through(ring, [slice_(frame_num=1, lsb=2), sps() + pps() + slice_(kind=5, reference=3, lsb=0)])
    assert [(frame.width, frame.height) for frame in frames] == [(64, 48), (160, 96)]
    assert frames[1].discontinuity


def test_pictures_of_jpeg_of_another_size_are_told_as_such(ring: str) -> None:
    small, large = stream(Codec.JPEG, 1)[0][0], passed_jpeg(80, 64)
    frames = passed_through(ring, [small, large, large, small], Codec.JPEG)
    assert [(frame.width, frame.height) for frame in frames] == [(64, 48), (80, 64), (80, 64), (64, 48)]
    assert [frame.discontinuity for frame in frames[1:]] == [True, False, True]


def passed_jpeg(width: int, height: int) -> bytes:
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "yuvj420p", Fraction(1, 25)
    (packet,) = encoder.encode(av.VideoFrame(width, height, "yuvj420p"))
    return bytes(packet)


def test_a_recovery_point_is_told_from_an_idr_picture(ring: str) -> None:
    recovery = nal(6, b"\x06\x01\xc4\x80", 0)  # recovery_frame_cnt 0, exact_match_flag 1
    frames = passed_through(
        ring,
        [
            sps() + pps() + slice_(kind=5, reference=3, lsb=0),
            slice_(frame_num=1, lsb=2),
            recovery + slice_(frame_num=2, lsb=4),
        ],
    )
    assert [(frame.is_keyframe, frame.is_recovery_point) for frame in frames] == [
        (True, False),
        (False, False),
        (True, True),
    ]


def test_an_encoder_follows_the_size_of_its_source(ring: str) -> None:
    lane = Lane(Channel(ring=ring, slots=100), CAMERA, "libx264", None)
    fixed = Lane(Channel(ring=f"{ring}_fixed", slots=100, width=64, height=48), CAMERA, "libx264", None)
    for number in range(9):
        size = (128, 96) if 3 <= number < 6 else (64, 48)
        one = Captured((number + 1) * 40 * MS, picture=av.VideoFrame(*size, "yuv420p"))
        for each in (lane, fixed):
            each.offer(dataclasses.replace(one))
            wait_until(lambda each=each: each.books.in_flight == 0, "it is done")  # type: ignore[misc]
    frames, scaled = read_all(ring, lane), read_all(f"{ring}_fixed", fixed)
    assert lane.failure is None
    assert [(frame.width, frame.height) for frame in frames] == [(64, 48)] * 3 + [(128, 96)] * 3 + [(64, 48)] * 3
    assert [index for index, frame in enumerate(frames) if frame.discontinuity] == [3, 6]
    assert [index for index, frame in enumerate(frames) if frame.is_keyframe] == [0, 3, 6]
    for frame in frames[::3]:
        told = picture_format(frame.data, Codec.H264)
        assert told is not None
        assert (told.width, told.height) == (frame.width, frame.height)
    assert {(frame.width, frame.height) for frame in scaled} == {(64, 48)}
    assert [frame.discontinuity for frame in scaled[1:]] == [False] * 8
