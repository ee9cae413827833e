# SPDX-License-Identifier: Apache-2.0
"""Streams of fields: each function is one, and its docstring says what is special about it."""

from dataclasses import replace

from corpus.own_h264 import BOTTOM, TOP, I, P, Pps, Sps, delimiter
from corpus.own_pictures import GOP, fields, pictures, stream, written

INTERLACED = Sps(profile=77, map_units=1, frames_only=False)


@stream
def field_pairs_intra() -> bytes:
    """Each frame is two I fields."""
    frames = [replace(frame, kind=I) for frame in pictures(10)]
    return written([field for frame in frames for field in fields(frame, I)], INTERLACED)


@stream
def field_pairs_predicted() -> bytes:
    """Each frame is two fields, the second predicted from the first."""
    return written([field for frame in pictures(10) for field in fields(frame, P)], INTERLACED)


@stream
def field_pairs_delimited() -> bytes:
    """Each frame is two fields, each behind an access unit delimiter of its own."""
    out = b""
    for frame in pictures(10):
        for field in fields(frame, P):
            sets = INTERLACED.unit() + Pps().unit() if field.idr else b""
            out += delimiter() + sets + b"".join(field.units(INTERLACED))
    return out


@stream
def field_pairs_bottom_first() -> bytes:
    """Each frame is two fields, the bottom one first."""
    mixed = []
    for frame in pictures(10):
        top, bottom = fields(frame, P)
        mixed += [replace(top, structure=BOTTOM), replace(bottom, structure=TOP)]
    return written(mixed, INTERLACED)


@stream
def fields_and_frames() -> bytes:
    """Every other frame is two fields, the rest are coded as frames."""
    mixed = []
    for number, frame in enumerate(pictures(10)):
        mixed += fields(frame, P) if number % 2 else [frame]
    return written(mixed, INTERLACED)


@stream
def fields_not_for_reference() -> bytes:
    """Every other frame is two fields that nothing is predicted from."""
    mixed = []
    for number, frame in enumerate(pictures(10, gop=2)):
        used = number % 2 == 0
        mixed += [replace(field, reference=used) for field in fields(frame, I)]
    return written(mixed, INTERLACED)


@stream
def order_count_type_2_fields() -> bytes:
    """pic_order_cnt_type 2 with field pairs."""
    sps = replace(INTERLACED, poc_type=2)
    return written([field for frame in pictures(10) for field in fields(frame, P)], sps)


@stream
def fields_without_a_second_one() -> bytes:
    """After each keyframe comes a field that has no second one, then the opposite field of the next frame."""
    mixed = []
    for number, frame in enumerate(pictures(12)):
        top, bottom = fields(frame, P)
        if number % GOP == 0:
            mixed += [top, bottom]
        elif number % GOP == 1:
            mixed += [top]
        else:
            mixed += [replace(top, structure=BOTTOM), replace(bottom, structure=TOP)]
    return written(mixed, INTERLACED)
