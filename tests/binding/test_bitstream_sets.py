# SPDX-License-Identifier: Apache-2.0
"""Parameter sets by type and id, and their places in entry points that lack them."""

import pytest
from corpus.bits import Bits
from corpus.table import Stream, streams
from nal_writer import nal, pps, slice_, sps

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, EntryPoint, ParameterSets, Splitter, nal_units, picture_format
from vshm_ctypes.bitstream.nal import pattern_of

IDR, LATER = slice_(kind=5, reference=3, lsb=0), slice_(frame_num=1, lsb=2)
AUD = nal(9, b"\x10", 0)


def kinds_of(data: bytes, codec: Codec = Codec.H264) -> list[int]:
    return [unit.kind for unit in nal_units(data, codec)]


def key(data: bytes) -> AccessUnit:
    return AccessUnit(data, EntryPoint.IDR)


def test_parameter_sets_of_every_id_are_put_behind_the_delimiter() -> None:
    sets = ParameterSets(Codec.H264)
    known = [sps(number=0), sps(number=1, size=(20, 15)), pps(0), pps(1, 1), pps(200)]
    sets.learn(known[3] + known[0] + known[4] + known[1] + known[2])
    sei = nal(6, b"\x05\x01\xaa\x80", 0)
    assert sets.complete(key(AUD + sei + IDR)).data == AUD + b"".join(known) + sei + IDR
    assert sets.complete(key(IDR)).data == b"".join(known) + IDR
    assert sets.complete(AccessUnit(AUD + LATER, EntryPoint.NONE)).data == AUD + LATER
    recovering = AccessUnit(AUD + sei + LATER, EntryPoint.RECOVERY_POINT)
    assert sets.complete(recovering).data == AUD + b"".join(known) + sei + LATER


def test_what_a_unit_brings_counts_and_what_it_lacks_comes_where_a_decoder_wants_it() -> None:
    sets = ParameterSets(Codec.H264)
    old, new = sps(size=(10, 6)), sps(size=(20, 15))
    sets.learn(old + sps(number=1) + pps(0) + pps(1))
    unit = key(AUD + new + pps(0, bottom_order=True) + IDR)
    expected = AUD + new + sps(number=1) + pps(0, bottom_order=True) + pps(1) + IDR
    assert sets.complete(unit).data == expected
    again = AUD + sps(number=0, size=(20, 15)) + sps(number=1) + pps(0, bottom_order=True) + pps(1) + IDR
    assert sets.complete(key(AUD + IDR)).data == again
    whole = key(again)
    assert sets.complete(whole) is whole


def test_extensions_and_subsets_of_sequences_have_their_places() -> None:
    subset, extension = nal(15, sps()[5:]), nal(13, Bits().ue(0, 0).payload())
    sets = ParameterSets(Codec.H264)
    sets.learn(pps() + subset + extension + sps())
    assert kinds_of(sets.complete(key(IDR)).data) == [7, 13, 15, 8, 5]


def test_ids_beyond_the_standards_are_not_kept() -> None:
    sets = ParameterSets(Codec.H264)
    sets.learn(nal(7, Bits().u(24, 0x42001E).ue(32).payload()) + nal(8, Bits().ue(256, 0).payload()))
    sets.learn(
        nal(7, b"") + nal(8, b"") + nal(7, b"\x42\x00\x1e\0\0") + nal(8, Bits().ue(1, 0).payload() + bytes(1 << 17))
    )
    assert sets.complete(key(IDR)).data == IDR
    for number in range(256):
        sets.learn(pps(number))
        sets.learn(pps(number))
    assert kinds_of(sets.complete(key(IDR)).data) == [8] * 256 + [5]


def test_a_size_that_changes_is_not_undone_by_what_was_learnt() -> None:
    sets, codec = ParameterSets(Codec.H265), Codec.H265
    for name in ("x265_plain.h265", "x265_odd_size.h265") * 2:
        stream = next(one for one in streams() if one.name == name)
        whole = next(unit for unit, _ in Splitter(codec).feed(stream.data))
        told = picture_format(whole.data, codec)
        assert told is not None
        assert sets.complete(whole) is whole
        bare = b"".join(whole.data[unit.begin : unit.end] for unit in nal_units(whole.data, codec) if unit.kind < 32)
        assert picture_format(bare, codec) is None
        assert picture_format(sets.complete(key(bare)).data, codec) == told


def test_a_set_is_learnt_wherever_it_lies_and_from_no_picture_without_one() -> None:
    """Of pictures in between, only those are looked at that have a parameter set: before, between or after slices."""
    slices = [LATER, slice_(first_mb=5, frame_num=1, lsb=2)]
    for place in range(3):
        sets = ParameterSets(Codec.H264)
        sets.complete(AccessUnit(b"".join([*slices[:place], sps(), pps(), *slices[place:]]), EntryPoint.NONE))
        assert kinds_of(sets.complete(key(IDR)).data) == [7, 8, 5]
    sets = ParameterSets(Codec.H264)
    sets.complete(AccessUnit(b"".join(slices), EntryPoint.NONE))
    assert sets.complete(key(IDR)).data == IDR
    ParameterSets(Codec.JPEG).learn(sps())  # which has none


@pytest.mark.parametrize("stream", streams(), ids=str)
def test_a_type_is_found_where_its_units_are(stream: Stream) -> None:
    codec = Codec.H264 if stream.codec == "h264" else Codec.H265
    there = {nal.kind for nal in nal_units(stream.data, codec)}
    kinds = range(32 if codec == Codec.H264 else 64)
    assert [kind for kind in kinds if pattern_of(codec, {kind}).search(stream.data)] == sorted(there)
