# SPDX-License-Identifier: Apache-2.0
"""Streams that are told into pictures by slice headers: each function is one, its docstring says by what."""

from dataclasses import replace

from corpus.own_h264 import I, P, Picture, Pps, Sps
from corpus.own_pictures import GOP, pictures, stream, written


@stream
def arbitrary_slice_order() -> bytes:
    """Baseline: the slices of a picture come in another order each time."""
    orders = [(0, 2, 4), (4, 2, 0), (2, 0, 4), (4, 0, 2)]
    return written([replace(frame, slices=orders[number % 4]) for number, frame in enumerate(pictures(10))])


ORDERS = ((4, 2, 0), (5, 3, 1, 0))  # the first slice of each is none of the other's


@stream
def arbitrary_slice_order_by_counts() -> bytes:
    """Baseline: neighbours differ in frame_num, or in idr_pic_id or pic_order_cnt_lsb alone."""
    frames, references = [], 0
    for number in range(12):
        idr, used = number < 2, number % 3 == 1
        references = 0 if idr else references
        frames.append(
            Picture(
                kind=I if idr else P,
                idr=idr,
                idr_number=number % 2,
                frame_num=references,
                poc=0 if idr else 2 * number,
                reference=idr or used,
                level=2 + number % 7,
                slices=ORDERS[number % 2],
            )
        )
        references += idr or used
    return written(frames)


@stream
def arbitrary_slice_order_by_reference() -> bytes:
    """Baseline, pic_order_cnt_type 2: neighbours differ in frame_num alone, or in being a reference alone."""
    frames, references = [], 0
    for number, frame in enumerate(pictures(12, gop=12)):
        used = number % 3 != 2
        frames.append(replace(frame, frame_num=references, reference=used, slices=ORDERS[number % 2]))
        references += used
    return written(frames, Sps(poc_type=2))


@stream
def redundant_pictures() -> bytes:
    """Baseline: behind each picture comes a redundant copy of it."""
    pps = Pps(redundant=True)
    return written([replace(frame, pps=pps, slices=(0, 3), copies=1) for frame in pictures(10)], pps=(pps,))


@stream
def redundant_pictures_come_and_go() -> bytes:
    """Baseline: each keyframe brings a picture parameter set, of the same id, with or without redundant pictures."""
    out = b""
    for number, frame in enumerate(pictures(12)):
        there = number // GOP % 2 == 1
        pps = Pps(redundant=there)
        out += written([replace(frame, pps=pps, slices=(0, 3), copies=int(there))], pps=(pps,))
    return out


@stream
def order_count_type_1() -> bytes:
    """pic_order_cnt_type 1."""
    return written(pictures(10), Sps(poc_type=1))


@stream
def order_count_type_2() -> bytes:
    """pic_order_cnt_type 2."""
    return written(pictures(10), Sps(poc_type=2))


@stream
def pictures_that_differ_in_reference_only() -> bytes:
    """pic_order_cnt_type 2: a picture that is no reference, then one that is, with the same frame_num."""
    frames = enumerate(pictures(12, gop=12))
    mixed = [replace(one, frame_num=(number + 1) // 2, reference=number % 2 == 0) for number, one in frames]
    return written(mixed, Sps(poc_type=2))
