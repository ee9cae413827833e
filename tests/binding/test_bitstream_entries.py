# SPDX-License-Identifier: Apache-2.0
"""Where decoding can begin."""

import pytest
from corpus.bits import escaped
from nal_writer import nal, nal5, slice_

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import EntryPoint, entry_point

IDR, LATER = slice_(kind=5, reference=3, lsb=0), slice_(frame_num=1, lsb=2)
USER_DATA = b"\x05\xff\x2d" + bytes(number % 250 + 1 for number in range(300))


@pytest.mark.parametrize(
    ("messages", "entry"),
    [
        (b"\x06\x01\xc4", EntryPoint.RECOVERY_POINT),  # recovery_frame_cnt 0, exact_match_flag
        (b"\x06\x02\x0a\x40", EntryPoint.RECOVERY_POINT),  # 19: in so many pictures all is right
        (b"\x00\x02\x80\x80\x06\x01\xc4", EntryPoint.RECOVERY_POINT),
        (USER_DATA + b"\x06\x01\xc4", EntryPoint.RECOVERY_POINT),
        (b"\x06\x01\xc4" + USER_DATA, EntryPoint.RECOVERY_POINT),
        (USER_DATA, EntryPoint.NONE),
        (b"\x05\x03\x06\x01\xc4", EntryPoint.NONE),  # what looks like one is in another's payload
        (b"\x06\x05\0\0\0\0\0", EntryPoint.NONE),  # no number
        (b"\x06\x05\x00\x00\x40\x00\x00", EntryPoint.NONE),  # more pictures than frame_num can count
        (b"\x06\x40\xc4", EntryPoint.NONE),  # longer than the NAL unit
        (b"\x01\x01\xc4", EntryPoint.NONE),
        (b"", EntryPoint.NONE),
    ],
)
def test_a_recovery_point_is_found_among_other_messages(messages: bytes, entry: EntryPoint) -> None:
    sei = nal(6, escaped(messages + b"\x80"), 0)
    assert entry_point(nal(9, b"\xf0", 0) + sei + LATER, Codec.H264) is entry
    assert entry_point(sei + IDR, Codec.H264) is EntryPoint.IDR
    assert entry_point(LATER + sei, Codec.H264) is EntryPoint.NONE
    assert entry_point(sei, Codec.H264) is EntryPoint.NONE


def test_entry_points_of_h265() -> None:
    rest = b"\x80\x80\x80"
    entries = {19: EntryPoint.IDR, 20: EntryPoint.IDR} | dict.fromkeys((16, 17, 18, 21), EntryPoint.RECOVERY_POINT)
    for kind in range(32):
        expected = entries.get(kind, EntryPoint.NONE)
        assert entry_point(nal5(35, b"\x50") + nal5(kind, rest), Codec.H265) is expected
    assert entry_point(nal5(1, rest, layer=1) + nal5(21, rest), Codec.H265) is EntryPoint.RECOVERY_POINT
    recovery = nal5(39, b"\x06\x02\x90\x80\x80")
    assert entry_point(recovery + nal5(1, rest), Codec.H265) is EntryPoint.RECOVERY_POINT
    assert entry_point(recovery + nal5(20, rest), Codec.H265) is EntryPoint.IDR


def test_pictures_and_sound_that_stand_for_themselves_are_entry_points() -> None:
    for codec in (Codec.JPEG, Codec.OPUS, Codec.AAC, Codec.PCM_S16LE):
        assert entry_point(b"\xff\xd8", codec) is EntryPoint.IDR
