# SPDX-License-Identifier: Apache-2.0
"""In which order pictures are shown, held against what libavcodec makes of them, and against the standards."""

from fractions import Fraction
from typing import Any

import av
import pytest
from corpus.table import Stream, streams
from nal_writer import PPS5, SPS5, nal5, picture5, pps, slice_, sps

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, EntryPoint, Order, ParameterSets, PictureOrder, Splitter, entry_point

CODECS = {"h264": Codec.H264, "h265": Codec.H265}
DECODERS = {Codec.H264: "h264", Codec.H265: "hevc"}


def units_of(stream: Stream) -> list[bytes]:
    splitter = Splitter(CODECS[stream.codec])
    return [unit.data for unit, _ in [*splitter.feed(stream.data), *splitter.flush()]]


def shown(codec: Codec, units: list[bytes]) -> list[int]:
    """Return the numbers of the units, in the order in which a decoder shows their pictures."""
    decoder: Any = av.CodecContext.create(DECODERS[codec], "r")
    decoder.thread_count = 1
    pictures = []
    for number, data in enumerate(units):
        packet = av.Packet(data)
        packet.pts, packet.time_base = number, Fraction(1, 25)
        pictures += decoder.decode(packet)
    return [picture.pts for picture in pictures + decoder.decode(None)]


def ordered(codec: Codec, units: list[bytes]) -> list[int]:
    """Return the numbers of the units, in the order that the units themselves tell."""
    order = PictureOrder(codec)
    told = {number: count for number, data in enumerate(units) if (count := order.take(data)) is not None}
    assert len(told) == len(units)
    return sorted(told, key=lambda number: told[number])


@pytest.mark.parametrize("stream", [one for one in streams() if one.frames and "begins_" not in one.name], ids=str)
def test_pictures_are_shown_in_the_order_of_the_decoder(stream: Stream) -> None:
    codec, units = CODECS[stream.codec], units_of(stream)
    by_decoder = shown(codec, units)
    assert len(by_decoder) == stream.frames
    assert [number for number in ordered(codec, units) if number in by_decoder] == by_decoder


@pytest.mark.parametrize("name", ["x264_open_gop.h264", "x265_open_gop.h265"])
def test_pictures_are_ordered_from_a_recovery_point_on_too(name: str) -> None:
    stream = next(one for one in streams() if one.name == name)
    codec = CODECS[stream.codec]
    sets = ParameterSets(codec)
    completed = [sets.complete(AccessUnit(data, entry_point(data, codec))) for data in units_of(stream)]
    begin = next(n for n, unit in enumerate(completed) if unit.entry is EntryPoint.RECOVERY_POINT)
    units = [unit.data for unit in completed[begin:]]
    order = ordered(codec, units)
    leading = order.index(0)  # what is shown before the entry point leans on what is not there
    assert leading > 0
    assert shown(codec, units)[-len(units) + leading :] == order[leading:]


def test_picture_order_type_1_and_wrapping_numbers() -> None:
    """frame_num has 4 bits here: 8.2.1.2 adds up what is expected of each frame in a cycle."""
    sets = sps(66, poc_type=1, offsets=(2, 4)) + pps()
    order = PictureOrder(Codec.H264)
    first = order.take(sets + slice_(kind=5, reference=3, delta_0=0))
    assert first == Order(1, 0)
    # Every frame is a reference: after n of them, n // 2 cycles of 6 and the begun one.
    for number in range(1, 40):
        expected = number // 2 * 6 + (2 if number % 2 else 0)
        assert order.take(slice_(frame_num=number % 16, delta_0=0)) == Order(1, expected)
    # One that is no reference counts as the frame before it, and offset_for_non_ref_pic (-2) more.
    assert order.take(slice_(frame_num=40 % 16, reference=0, delta_0=0)) == Order(1, 39 // 2 * 6 + 2 - 2)
    assert order.take(slice_(kind=5, reference=3, delta_0=0)) == Order(2, 0)


def test_picture_order_type_2_is_the_order_of_decoding() -> None:
    sets = sps(66, poc_type=2) + pps()
    order = PictureOrder(Codec.H264)
    assert order.take(sets + slice_(kind=5, reference=3)) == Order(1, 0)
    assert [order.take(slice_(frame_num=n % 16)) for n in range(1, 20)] == [Order(1, 2 * n) for n in range(1, 20)]
    assert order.take(slice_(frame_num=20 % 16, reference=0)) == Order(1, 39)


def test_fields_are_ordered_as_frames() -> None:
    sets = sps(fields=True, size=(10, 3)) + pps()
    order = PictureOrder(Codec.H264)
    assert order.take(sets + slice_(kind=5, reference=3, field=0, lsb=0) + slice_(field=1, lsb=1)) == Order(1, 0)
    for number in range(1, 30):
        bottom, top = (slice_(frame_num=number % 16, field=f, lsb=(number * 2 + 1 - f) % 16) for f in (1, 0))
        assert order.take(bottom + top) == Order(1, number * 2)


def test_without_parameter_sets_no_order_is_told() -> None:
    order = PictureOrder(Codec.H264)
    assert order.take(slice_(kind=5, reference=3, lsb=0)) is None
    assert order.take(sps() + pps()) is None
    assert order.take(slice_(kind=5, reference=3, lsb=0)) == Order(1, 0)


def test_picture_order_of_h265_leans_on_what_others_may_lean_on() -> None:
    """prevTid0Pic of 8.3.1: no leading picture, none that is no reference, none of a higher layer in time."""
    order = PictureOrder(Codec.H265)
    assert order.take(SPS5 + PPS5 + picture5(19)) == Order(1, 0)
    assert order.take(picture5(1, 8)) == Order(1, 8)
    for passed_over in (picture5(9, 1), picture5(7, 1), picture5(0, 1), picture5(1, 1, temporal_id=1)):
        assert order.take(passed_over) == Order(1, 1)
    assert order.take(picture5(1, 0)) == Order(1, 16)  # counted from 8, not from 1
    assert order.take(picture5(21, 3)) == Order(1, 19)
    assert order.take(picture5(16, 3)) == Order(2, 3)  # BLA
    assert order.take(picture5(1, 5) + nal5(36, b"")) == Order(2, 5)
    assert order.take(picture5(21, 12)) == Order(3, 12)  # CRA behind an end of sequence
    assert order.take(picture5(8, 10)) == Order(3, 10)
    assert order.take(picture5(20)) == Order(4, 0)
    assert order.take(picture5(6, 15)) == Order(4, -1)  # shown before the IDR picture that it follows
