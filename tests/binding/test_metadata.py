# SPDX-License-Identifier: Apache-2.0
"""Metadata of frames: a writer keeps those of the last frame, and must tell each frame its own."""

import enum
from typing import Any

import pytest

from vshm_ctypes import Codec, Consumer, Frame, Producer

pytestmark = pytest.mark.usefixtures("watchdog")

USUAL: dict[str, Any] = {
    "keyframe": False,
    "codec": Codec.H264,
    "width": 1280,
    "height": 720,
    "fps": 30,
    "reserved": b"abcde",
}
OTHER: dict[str, Any] = {
    "keyframe": True,
    "codec": Codec.H265,
    "width": 640,
    "height": 480,
    "fps": 25,
    "reserved": b"edcba",
}


def told(stream: Consumer) -> dict[str, Any]:
    frame = stream.receive(timeout=10)
    assert isinstance(frame, Frame)
    names = {"keyframe": "is_keyframe"}
    return {name: getattr(frame.meta, names.get(name, name)) for name in USUAL}


@pytest.mark.parametrize("field", USUAL)
def test_a_frame_that_differs_in_one_field_says_so_and_so_does_the_next(ring: str, field: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        for described in (USUAL, USUAL, USUAL | {field: OTHER[field]}, USUAL):
            producer.write(b"x", **described)
            assert told(stream) == described


def test_a_time_is_that_of_its_own_frame(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        times = []
        for time_ms in (5, 0, 7, 7, 0):
            producer.write(b"x", timestamp_ms=time_ms, **USUAL)
            frame = stream.receive(timeout=10)
            assert frame is not None
            times.append(frame.timestamp_ms)
        assert times[0] == 5 and times[2:4] == [7, 7]
        assert min(times[1], times[4]) > 1_000_000_000_000  # 0 is now


def test_what_changes_in_place_is_looked_at_again(ring: str) -> None:
    reserved = bytearray(b"first")
    with Producer(ring) as producer, Consumer(ring) as stream:
        for _ in range(2):
            producer.write(b"x", **USUAL | {"reserved": reserved})
            assert told(stream)["reserved"] == bytes(reserved)
            reserved[:] = b"later"


def test_a_borrowed_frame_that_was_given_back_unread_keeps_its_own(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        for described in (USUAL, OTHER):
            producer.write(b"x", **described)
        with stream.borrow(timeout=10) as first:
            pass
        with stream.borrow(timeout=10) as second:
            assert (first.number, first.width, second.number, second.width) == (0, 1280, 1, 640)


def test_a_refused_frame_changes_nothing(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        producer.write(b"x", **USUAL)
        for wrong in ({"width": 65536}, {"fps": -1}, {"codec": 256}, {"reserved": b"123456"}):
            with pytest.raises(ValueError):
                producer.write(b"x", **USUAL | wrong)
        for flags in (32, -1):
            with pytest.raises(ValueError, match="no Flag"):
                producer.write(b"x", **USUAL, flags=flags)
        for name, value in {
            "fps": 29.97,
            "width": None,
            "timestamp_ms": 0.5,
            "capture_ns": 1.5,
            "reserved": "abc",
        }.items():
            with pytest.raises(TypeError, match=name):
                producer.write(b"x", **USUAL | {name: value})
        producer.write(b"x", **USUAL)
        assert told(stream) == told(stream) == USUAL


def test_a_number_of_a_program_s_own_kind_is_taken_by_its_value(ring: str) -> None:
    class Size(enum.IntEnum):
        WIDE = 1920

    with Producer(ring) as producer, Consumer(ring) as stream:
        for width in (Size.WIDE, 1920, Size.WIDE):
            producer.write(b"x", **USUAL | {"width": width})
            assert told(stream)["width"] == 1920
