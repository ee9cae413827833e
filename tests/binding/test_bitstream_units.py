# SPDX-License-Identifier: Apache-2.0
"""Where access units end, for what the standards allow and no encoder here makes: written bit by bit."""

import itertools
import random
from typing import Any

import pytest
from nal_streams import (
    AUD,
    BASELINE,
    BOTTOM,
    FIELD_SETS,
    FILLER,
    H264_STREAMS,
    H265_STREAMS,
    IDR,
    PICTURE5,
    SEI,
    SETS,
    SETS5,
    SUFFIX5,
    TOP,
    picture,
)
from nal_writer import LONG, nal, nal5, pps, slice5, slice_, sps

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import MAX_PENDING, EntryPoint, Splitter, StreamError


def pieces(data: bytes, seed: int) -> list[bytes]:
    """Cut at random; 0: as it is; 1: byte by byte."""
    if seed == 0:
        return [data]
    chance = random.Random(seed)
    inner = range(len(data)) if seed == 1 else (chance.randrange(len(data)) for _ in range(20))
    return [data[begin:end] for begin, end in itertools.pairwise(sorted({0, *inner, len(data)}))]


def split(codec: Codec, stream: bytes, seed: int = 0) -> list[bytes]:
    splitter = Splitter(codec)
    found = [unit.data for piece in pieces(stream, seed) for unit, _ in splitter.feed(piece)]
    return found + [unit.data for unit, _ in splitter.flush()]


STREAMS = [(Codec.H264, name) for name in H264_STREAMS] + [(Codec.H265, name) for name in H265_STREAMS]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("codec", "name"), STREAMS)
def test_each_picture_is_one_access_unit(codec: Codec, name: str, seed: int) -> None:
    units = (H264_STREAMS if codec == Codec.H264 else H265_STREAMS)[name]
    assert split(codec, b"".join(units), seed) == units


# ITU-T H.264 7.4.1.2.4, one syntax element each. The slices may come in any order, so that their place tells nothing.
FIRST_OF_NEXT: dict[str, tuple[bytes, dict[str, Any], dict[str, Any]]] = {
    "frame_num": (BASELINE, {"frame_num": 1, "lsb": 2}, {"frame_num": 2, "lsb": 2}),
    "pic_parameter_set_id": (BASELINE, {"lsb": 2}, {"lsb": 2, "pps_id": 1}),
    "nal_ref_idc": (BASELINE, {"lsb": 2, "reference": 1}, {"lsb": 2, "reference": 0}),
    "pic_order_cnt_lsb": (BASELINE, {"lsb": 2, "reference": 0}, {"lsb": 4, "reference": 0}),
    "IdrPicFlag": (BASELINE, {"lsb": 0}, {"lsb": 0, "kind": 5}),
    "idr_pic_id": (BASELINE, {"lsb": 0, "kind": 5}, {"lsb": 0, "kind": 5, "idr_pic_id": 1}),
    "delta_pic_order_cnt_bottom": (
        sps(66) + pps(bottom_order=True),
        {"lsb": 0, "delta_bottom": 0},
        {"lsb": 0, "delta_bottom": -3},
    ),
    "delta_pic_order_cnt[0]": (sps(66, poc_type=1) + pps(), {"delta_0": 1}, {"delta_0": -1}),
    "delta_pic_order_cnt[1]": (
        sps(66, poc_type=1) + pps(bottom_order=True),
        {"delta_0": 1, "delta_1": 0},
        {"delta_0": 1, "delta_1": 4},
    ),
    "field_pic_flag": (sps(88, fields=True) + pps(), {"lsb": 0, "fields": True}, {"lsb": 0, "field": 0}),
    "bottom_field_flag": (
        sps(88, fields=True) + pps(),
        {"lsb": 0, "field": 0, "reference": 0},
        {"lsb": 0, "field": 1, "reference": 1},
    ),
}


@pytest.mark.parametrize("element", FIRST_OF_NEXT)
def test_a_picture_begins_where_one_of_the_elements_that_the_standard_names_differs(element: str) -> None:
    sets, one, other = FIRST_OF_NEXT[element]
    units = [
        sets + slice_(0, **one) + slice_(5, **one),
        slice_(7, **other) + slice_(0, **other),
        slice_(9, **one) + slice_(0, **one),
    ]
    assert split(Codec.H264, b"".join(units)) == units


def test_other_nal_ref_idc_than_zero_begins_no_picture() -> None:
    units = [SETS + slice_(0, reference=1, lsb=0) + slice_(20, reference=3, lsb=0), picture(1)]
    assert split(Codec.H264, b"".join(units)) == units


@pytest.mark.parametrize("seed", range(4))
def test_what_has_no_begin_is_left_out(seed: int) -> None:
    rest = slice_(20, frame_num=1, lsb=2) + slice_(40, frame_num=1, lsb=2) + FILLER + nal(10, b"")
    units = [SEI + picture(2), picture(3)]
    for front in (b"", b"\x55\xaa" * 50, b"\x12\0\0\0", SETS):
        kept = SETS if front == SETS else b""
        whole = [kept + units[0], units[1]] if kept else units
        assert split(Codec.H264, front + rest + b"".join(units), seed) == whole
    # In the middle of a stream: the first slice of one picture was lost, its neighbours are whole.
    assert split(Codec.H264, SETS + IDR + SEI + rest + b"".join(units), seed) == [SETS + IDR, SEI + units[0], units[1]]
    ends = SETS5 + slice5(kind=21) + nal5(36, b"")
    assert split(Codec.H265, ends + slice5(False) + SUFFIX5 + PICTURE5, seed) == [ends, PICTURE5]
    cut = slice5(False) + slice5(False) + SUFFIX5 + nal5(38)
    assert split(Codec.H265, cut + SETS5 + slice5(kind=19) + PICTURE5, seed) == [SETS5 + slice5(kind=19), PICTURE5]


def test_each_unit_has_the_mark_of_the_piece_in_which_its_picture_began() -> None:
    units = [SETS + IDR, SEI + picture(1), picture(2), AUD + picture(3, (0,))]
    stream = b"".join(units)
    begins = [stream.index(IDR) + 4, stream.index(picture(1)) + 4, stream.index(picture(2)) + 4]
    begins.append(stream.index(picture(3, (0,))) + 4)
    for seed in range(6):
        splitter, at, found = Splitter(Codec.H264), 0, []
        for piece in pieces(stream, seed):
            found += [mark for _, mark in splitter.feed(piece, at)]
            at += len(piece)
        found += [mark for _, mark in splitter.flush()]
        starts = [0, *itertools.accumulate(len(piece) for piece in pieces(stream, seed))]
        assert found == [max(start for start in starts if start <= begin) for begin in begins]


def test_what_stands_behind_the_last_picture_waits_for_the_next() -> None:
    splitter = Splitter(Codec.H264)
    assert [unit.data for unit, _ in splitter.feed(SETS + IDR + SEI + pps())] == []
    assert [unit.data for unit, _ in splitter.flush()] == [SETS + IDR]
    assert not splitter.has_picture
    assert [*splitter.feed(b""), *splitter.flush()] == []
    assert [unit.data for unit, _ in [*splitter.feed(picture(1)), *splitter.flush()]] == [SEI + pps() + picture(1)]


def test_it_tells_what_the_next_bytes_do_to_the_picture_that_is_pending() -> None:
    splitter = Splitter(Codec.H264)
    assert splitter.begins_picture(FIELD_SETS) is None
    assert splitter.begins_picture(slice_(9, frame_num=1, lsb=2)) is False
    top, bottom = slice_(kind=5, reference=3, lsb=0, **TOP), slice_(lsb=1, **BOTTOM)
    assert splitter.begins_picture(FIELD_SETS + top) is True
    assert list(splitter.feed(FIELD_SETS + top)) == []
    assert splitter.has_picture
    assert splitter.lone_field
    assert splitter.begins_picture(AUD + SEI) is None
    assert splitter.begins_picture(AUD + SEI + bottom) is False
    assert splitter.begins_picture(slice_(frame_num=1, lsb=2, **TOP)) is True
    assert list(splitter.feed(bottom)) == []
    assert splitter.begins_picture(slice_(frame_num=1, lsb=2, **TOP)) is True
    assert [splitter.lone_field, len(list(splitter.flush()))] == [False, 1]
    assert splitter.begins_picture(slice_(9, frame_num=1, lsb=2, fields=True)) is False


def test_a_splitter_that_is_reset_goes_on_with_a_picture_that_has_a_begin() -> None:
    splitter = Splitter(Codec.H264)
    assert list(splitter.feed(SETS + IDR + slice_(20, 5, 3, lsb=0)[:6])) == []
    splitter.reset()
    assert not splitter.has_picture
    units = [
        *splitter.feed(b"\xaa" * 9 + slice_(40, 5, 3, lsb=0) + FILLER + picture(1) + picture(2)),
        *splitter.flush(),
    ]
    assert [unit.data for unit, _ in units] == [picture(1), picture(2)]


@pytest.mark.parametrize("filling", [b"\0", b"\0\0\1", b"\0\0\1\x65", b"\0\0\1\x67\x64", b"\xff\0\0"])
def test_long_nonsense_is_refused_and_forgotten(filling: bytes) -> None:
    splitter, piece = Splitter(Codec.H264), filling * (1 << 20)
    with pytest.raises(StreamError, match="no H264 stream"):
        for _ in range(20):
            assert list(splitter.feed(piece)) == []
    units = [unit for unit, _ in [*splitter.feed(SETS + IDR + picture(1)), *splitter.flush()]]
    assert [unit.entry for unit in units] == [EntryPoint.IDR, EntryPoint.NONE]
    assert len(piece) * 20 > MAX_PENDING


def test_a_start_code_in_every_place_of_a_piece() -> None:
    stream = b"".join((SETS + IDR, picture(1), picture(2)))
    for at in range(1, len(stream)):
        splitter = Splitter(Codec.H264)
        units = [*splitter.feed(stream[:at]), *splitter.feed(stream[at:]), *splitter.flush()]
        assert [unit.data for unit, _ in units] == [SETS + IDR, picture(1), picture(2)]
    assert LONG in stream
