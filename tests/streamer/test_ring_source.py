# SPDX-License-Identifier: Apache-2.0
"""Another ring as a source, such as one that vshm relay has imported."""

from collections.abc import Iterator

import pytest
from nal_writer import nal, pps, slice_, sps

from hil.streamer.sources.factory import make_source
from hil.streamer.sources.modes import Wanted
from hil.streamer.sources.ring import RingSource
from hil.streamer.sources.source import Captured, SourceError
from hil.streamer.sources.timeline import Timelines
from vshm_ctypes import Codec, Flag, Media, Producer
from vshm_ctypes.bitstream import EntryPoint, nal_units


@pytest.fixture
def producer(ring: str) -> Iterator[Producer]:
    with Producer(ring, slots=8) as producer:
        yield producer


def write(producer: Producer, number: int, flags: int = 0) -> None:
    """Write frame number, whose time of capture is a second per number."""
    with producer.reserve() as slot:
        slot.data[:4] = number.to_bytes(4, "big")
        slot.commit(
            4,
            keyframe=bool(flags & Flag.KEYFRAME),
            codec=Codec.H265,
            width=640,
            height=360,
            fps=25,
            capture_ns=(number + 1) * 10**9,
            flags=flags,
        )


def read(source: RingSource, count: int) -> list[Captured]:
    captured = [source.read(0) for _ in range(count)]
    return [one for one in captured if one is not None]


def test_access_units_are_passed_on_with_their_times(producer: Producer) -> None:
    write(producer, 0, Flag.KEYFRAME | Flag.CAPTURE_DRIVER)
    write(producer, 1)
    source = RingSource(producer.ring, Wanted())
    source.open()
    write(producer, 2, Flag.KEYFRAME | Flag.RECOVERY_POINT)
    assert (source.codec, source.width, source.height, source.fps) == (Codec.H265, 640, 360, 25.0)
    found = read(source, 4)
    assert [int.from_bytes(one.unit.data, "big") for one in found if one.unit] == [0, 1, 2]
    assert [one.unit.entry for one in found if one.unit] == [
        EntryPoint.IDR,
        EntryPoint.NONE,
        EntryPoint.RECOVERY_POINT,
    ]
    assert [one.capture_ns for one in found] == [10**9, 2 * 10**9, 3 * 10**9]
    assert [one.from_driver for one in found] == [True, False, False]
    source.close()


def test_parameter_sets_that_came_once_are_in_front_of_every_keyframe(producer: Producer) -> None:
    recovery = nal(6, b"\x06\x01\xc4\x80", 0)  # recovery_frame_cnt 0, exact_match_flag 1
    producer.write(sps() + pps() + slice_(kind=5, reference=3, lsb=0), keyframe=True)
    source = RingSource(producer.ring, Wanted())
    source.open()
    producer.write(recovery + slice_(frame_num=1, lsb=2), keyframe=True, flags=Flag.RECOVERY_POINT)
    kinds = [[unit.kind for unit in nal_units(one.unit.data, Codec.H264)] for one in read(source, 2) if one.unit]
    assert kinds == [[7, 8, 5], [7, 8, 6, 1]]
    source.close()


def test_what_was_missed_and_what_the_writer_lost_are_discontinuities(producer: Producer) -> None:
    write(producer, 0, Flag.KEYFRAME)
    source = RingSource(producer.ring, Wanted())
    source.open()
    write(producer, 1, Flag.DISCONTINUITY | Flag.KEYFRAME)
    _, second = read(source, 2)
    assert second.discontinuity
    for number in range(2, 22):  # laps the reader
        write(producer, number, Flag.KEYFRAME)
    (third,) = read(source, 1)
    assert third.discontinuity
    assert source.figures()["missed"] == third.sequence - second.sequence - 1 > 0
    source.close()


def test_a_ring_that_ends_is_a_camera_that_is_gone(producer: Producer) -> None:
    write(producer, 0, Flag.KEYFRAME)
    source = RingSource(producer.ring, Wanted())
    source.open()
    producer.close()
    read(source, 1)
    with pytest.raises(SourceError) as caught:
        source.read(1)
    assert caught.value.kind == "unplugged"
    with pytest.raises(SourceError) as caught:
        source.open()
    assert caught.value.kind == "absent"


def test_a_ring_that_is_back_is_opened_again(ring: str) -> None:
    source = make_source(f"ring:{ring}", Wanted(), False, Timelines())
    for number in (7, 8):
        with Producer(ring) as producer:
            write(producer, number, Flag.KEYFRAME)
            if number == 7:
                source.open()
            captured = None
            while captured is None:
                captured = source.read(0.1)
            assert captured.unit is not None
            assert int.from_bytes(captured.unit.data, "big") == number
    assert captured is not None
    assert captured.discontinuity
    source.close()


def test_sound_is_refused(ring: str) -> None:
    with Producer(ring, media=Media.AUDIO) as producer:
        producer.write(b"sound", keyframe=True, codec=Codec.OPUS)
        with pytest.raises(SourceError, match="no encoded pictures") as caught:
            RingSource(ring, Wanted()).open()
        assert caught.value.kind == "unsuitable"


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(SourceError, match="not a ring's name"):
        RingSource("a/b", Wanted())
