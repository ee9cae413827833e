# SPDX-License-Identifier: Apache-2.0
"""Streams that the standards allow but no encoder here makes, written bit by bit, as access units in order."""

from collections.abc import Sequence
from typing import Any

from nal_writer import SHORT, nal, nal5, pps, slice5, slice_, sps

SETS = sps() + pps()
AUD, SEI, PREFIX, FILLER = nal(9, b"\x10", 0), nal(6, b"\x05\x01\xaa\x80", 0), nal(14, b"\x80\x40\x2f"), nal(12)
IDR = slice_(kind=5, reference=3, lsb=0)


def picture(number: int, slices: Sequence[int] = (0, 20, 40), **said: Any) -> bytes:
    """Return a picture of several slices; number is its frame_num."""
    header = {"frame_num": number, "lsb": number * 2} | said
    return b"".join(slice_(first_mb, **header) for first_mb in slices)


FIELDS: dict[str, Any] = {"fields": True}
TOP: dict[str, Any] = {"field": 0}
BOTTOM: dict[str, Any] = {"field": 1}
FIELD_SETS = sps(fields=True, size=(10, 3)) + pps()
BASELINE = sps(66) + pps() + pps(1)
REDUNDANT = sps(66) + pps(redundant=True)

# The access units of H.264 streams; the standard's clause, or what is special.
H264_STREAMS: dict[str, list[bytes]] = {
    "prefix NAL units in front of every slice": [
        SETS + b"".join(PREFIX + slice_(first, 5, 3, lsb=0) for first in (0, 20)),
        *(b"".join(PREFIX + slice_(first, frame_num=n, lsb=n) for first in (0, 20)) for n in (1, 2, 3)),
    ],
    "slices of other layers and views": [
        SETS + nal(15, sps()[5:]) + PREFIX + IDR + nal(20, b"\x80\x40\x2f\xff"),
        PREFIX + picture(1) + nal(20, b"\0\x40\x2f\xff") + nal(20, b"\0\x40\x2f\xfe") + nal(21, b"\0\x40\x2f\xff"),
        nal(15, sps()[5:]) + PREFIX + picture(2) + nal(20, b"\0\x40\x2f\xff"),
    ],
    "what stands in front": [
        AUD + SETS + SEI + IDR,
        AUD + SEI + SEI + picture(1),
        SEI + picture(2),
        pps() + picture(3),
        *(nal(kind) + picture(kind - 10) for kind in (15, 16, 17, 18)),
        AUD + picture(9),
    ],
    "what follows": [
        SETS + IDR + FILLER,
        *(picture(n, lsb=n) + nal(kind) for n, kind in enumerate((0, 12, 19, 22, 23, 24, 29, 31), 1)),
        picture(9, lsb=9) + FILLER + FILLER,
    ],
    "ends of sequence and stream": [
        SETS + IDR + nal(10, b""),
        slice_(kind=5, reference=3, lsb=0) + nal(10, b"") + nal(11, b""),
        SETS + IDR,
    ],
    "data partitions and auxiliary pictures": [
        SETS + IDR,
        *(
            b"".join(slice_(first, 2, frame_num=n, lsb=n) + nal(3) + nal(4) for first in (0, 20)) + nal(19, b"\x88")
            for n in (1, 2, 3)
        ),
    ],
    "slices in any order": [
        BASELINE + b"".join(slice_(first, 5, 3, lsb=0) for first in (20, 40, 0)),
        picture(1, (40, 0, 20)),
        picture(2, (20, 0)),
        picture(3, (0, 20)),
    ],
    "redundant pictures": [
        REDUNDANT + slice_(0, 5, 3, lsb=0, redundant=0) + slice_(0, 5, 3, lsb=0, redundant=1),
        *(
            b"".join(slice_(mb, frame_num=n, lsb=n, redundant=count) for count, mb in ((0, 0), (0, 20), (1, 0), (2, 0)))
            for n in (1, 2)
        ),
    ],
    "idr_pic_id that is always the same": [SETS + IDR, IDR, IDR, IDR],
    "one slice each, nothing told but the place": [SETS + IDR, *(picture(1, (0,)) for _ in range(3))],
    "supplemental information between the slices": [
        SETS + slice_(0, 5, 3, lsb=0) + SEI + slice_(20, 5, 3, lsb=0),
        slice_(0, frame_num=1, lsb=2) + SEI + slice_(20, frame_num=1, lsb=2),
        SEI + picture(2),
    ],
    "another picture parameter set for each slice": [
        SETS + pps(1) + slice_(0, 5, 3, lsb=0) + slice_(20, 5, 3, lsb=0, pps_id=1),
        *(slice_(0, frame_num=n, lsb=n) + slice_(20, frame_num=n, lsb=n, pps_id=1) for n in (1, 2)),
        slice_(0, frame_num=3, lsb=3, pps_id=1),
    ],
    "fields, without a delimiter": [
        FIELD_SETS + slice_(kind=5, reference=3, lsb=0, **TOP) + slice_(lsb=1, **BOTTOM),
        *(picture(n, (0, 9), lsb=n * 2, **TOP) + picture(n, (0, 9), lsb=n * 2 + 1, **BOTTOM) for n in (1, 2)),
        picture(3, (0, 9), lsb=7, **BOTTOM) + picture(3, (0, 9), lsb=6, **TOP),
        picture(4, (0, 9), lsb=8, **FIELDS),
    ],
    "fields that are both IDR pictures": [
        FIELD_SETS + slice_(kind=5, reference=3, lsb=0, **TOP) + slice_(kind=5, reference=3, lsb=1, **BOTTOM),
        *(
            AUD
            + slice_(kind=5, reference=3, idr_pic_id=n, lsb=0, **TOP)
            + slice_(kind=5, reference=3, idr_pic_id=n, lsb=1, **BOTTOM)
            for n in (1, 0)
        ),
        slice_(kind=5, reference=3, idr_pic_id=1, lsb=0, **TOP),
        slice_(kind=5, reference=3, idr_pic_id=2, lsb=1, **BOTTOM),
        SEI + picture(1, (0, 9), lsb=2, **FIELDS),
    ],
    "fields, with a delimiter in front of each": [
        AUD + FIELD_SETS + slice_(kind=5, reference=3, lsb=0, **TOP) + AUD + SEI + slice_(lsb=1, **BOTTOM),
        *(
            AUD + picture(n, (0, 9), lsb=n * 2, **TOP) + AUD + pps() + picture(n, (0, 9), lsb=n * 2 + 1, **BOTTOM)
            for n in (1, 2)
        ),
        AUD + picture(3, (0, 9), lsb=6, **FIELDS),
    ],
    "fields that are no pair": [
        FIELD_SETS + slice_(kind=5, reference=3, lsb=0, **TOP),
        AUD + picture(1, (0, 9), lsb=2, **TOP),
        picture(2, (0, 9), lsb=4, **TOP),  # of another frame
        picture(2, (0, 9), reference=0, lsb=5, **BOTTOM),  # no reference picture, and the first one is
        picture(3, (0, 9), lsb=6, **TOP) + picture(3, (0, 9), lsb=7, **BOTTOM),
        picture(3, (0, 9), reference=0, lsb=8, **TOP),
        SEI + picture(4, (0, 9), lsb=8, **FIELDS),
    ],
    "start codes of three bytes": [
        sps()[1:] + pps()[1:] + slice_(kind=5, reference=3, start=SHORT, lsb=0),
        slice_(frame_num=1, start=SHORT, lsb=2) + slice_(20, frame_num=1, start=SHORT, lsb=2),
        AUD[1:] + slice_(frame_num=2, start=SHORT, lsb=4),
    ],
    "zeros behind NAL units": [
        SETS + b"\0\0" + IDR + b"\0\0\0",
        slice_(frame_num=1, lsb=2) + b"\0" + slice_(20, frame_num=1, lsb=2) + b"\0\0",
        slice_(frame_num=2, lsb=4),
    ],
    "no parameter sets at all": [
        b"".join(slice_(first, 5, 3, lsb=0) for first in (0, 20)),
        picture(1),
        picture(2, (0,)),
        picture(3, (0,)),
        picture(4, (0,), reference=0),
    ],
}

SETS5 = nal5(32) + nal5(33) + nal5(34)
AUD5, SEI5, SUFFIX5 = nal5(35, b"\x50"), nal5(39, b"\x05\x01\xaa\x80"), nal5(40, b"\x84\x01\xaa\x80")
PICTURE5 = slice5() + slice5(False) + slice5(False)
H265_STREAMS: dict[str, list[bytes]] = {
    "what stands in front": [
        AUD5 + SETS5 + SEI5 + slice5(kind=19),
        AUD5 + PICTURE5,
        SEI5 + PICTURE5,
        nal5(34) + PICTURE5,
        *(nal5(kind) + PICTURE5 for kind in (*range(41, 45), *range(48, 56))),
        PICTURE5,
    ],
    "what follows": [
        SETS5 + slice5(kind=19) + SUFFIX5,
        PICTURE5 + SUFFIX5 + nal5(38),
        *(PICTURE5 + nal5(kind) for kind in (38, 45, 46, 47, *range(56, 64))),
        PICTURE5,
    ],
    "ends of sequence and stream": [
        SETS5 + slice5(kind=21) + nal5(36, b""),
        slice5(kind=21) + nal5(36, b"") + nal5(37, b""),
        SETS5 + slice5(kind=19),
    ],
    "other layers": [
        SETS5 + nal5(33, layer=1) + nal5(34, layer=1) + slice5(kind=19) + slice5(kind=19, layer=1),
        *(slice5() + slice5(False) + SEI5[:5] + b"\x09" + SEI5[6:] + slice5(layer=1) for _ in range(3)),
        SEI5 + slice5() + slice5(layer=1) + slice5(False, layer=1),
    ],
    "slices of types that are reserved": [
        SETS5 + slice5(kind=19),
        *(PICTURE5 + slice5(kind=kind) for kind in (10, 15, 22, 31)),
        PICTURE5,
    ],
    "start codes of three bytes and zeros": [
        SETS5 + slice5(kind=19),
        slice5(start=SHORT) + slice5(False, start=SHORT),
        AUD5[1:] + slice5(start=SHORT) + SUFFIX5[1:] + b"\0\0",
        PICTURE5,
    ],
}
