# SPDX-License-Identifier: Apache-2.0
"""Cameras that encode lose buffers, and their drivers flag some: which pictures are damaged, and what is told of it."""

import itertools
import random
from collections.abc import Iterator

import pytest
from encoded import encoded
from unit_camera import BOTH, SLICES, Camera, bad, breaks, pictures, slice_places, slices, units

from hil.streamer.sources.source import Captured
from vshm_ctypes import Codec
from vshm_ctypes.bitstream import ParameterSets, nal_units
from vshm_ctypes.bitstream.nal import SYNTAXES


@BOTH
@pytest.mark.parametrize("flagged", [False, True])
def test_a_first_keyframe_that_lacks_a_slice_is_not_handed_out(codec: Codec, flagged: bool) -> None:
    """Nothing is known of the camera yet: its pictures may come in one buffer each, or in pieces."""
    camera, all_of_them = Camera(codec), pictures(codec)
    pieces = [piece for data in all_of_them for piece in slices(data, codec)]
    found = camera.give(pieces[0])
    if flagged:
        found += camera.give(None)
    else:
        camera.lose()
    found += camera.give(*pieces[2:])
    numbers = [SLICES[codec] * number for number in range(len(all_of_them))]
    assert units(found) == list(zip(all_of_them, numbers, strict=True))[1 : len(pictures(codec))]
    assert (bad(found), breaks(found)) == ([0], numbers[1:2])


@BOTH
def test_a_loss_is_told_of_the_next_picture_however_many_buffers_it_takes(codec: Codec) -> None:
    for lost in range(8 * SLICES[codec], 10 * SLICES[codec]):
        camera = Camera(codec)
        pieces = [piece for data in pictures(codec) for piece in slices(data, codec)]
        found = camera.give(*pieces[:lost])
        camera.lose()
        found += camera.give(*pieces[lost + 1 :])
        assert len(breaks(found)) == 1
        assert len(bad(found)) == 1


def in_slices(codec: Codec) -> tuple[Camera, Iterator[bytes], list[bytes]]:
    """A camera that gave two pictures in pieces, the pieces that follow, and the pictures."""
    camera, all_of_them = Camera(codec), pictures(codec)
    pieces = (piece for data in all_of_them for piece in slices(data, codec))
    assert len(camera.give(*itertools.islice(pieces, 2 * SLICES[codec]))) == 1
    return camera, pieces, all_of_them


@BOTH
@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_picture_that_lacks_a_piece_is_not_handed_out(codec: Codec, which: int) -> None:
    camera, pieces, all_of_them = in_slices(codec)
    found = camera.give(*itertools.islice(pieces, which % SLICES[codec]))
    next(pieces)
    camera.lose()
    found += camera.give(*pieces)
    whole = {data for data, _ in units(found)}
    # Where the first piece is lost, the picture before may lack its last one, for all that anyone knows.
    assert whole == {*pictures(codec)[3:], *(all_of_them[1:2] if which else [])}
    assert len(bad(found)) == 1
    assert breaks(found) == [3 * SLICES[codec]]


@BOTH
@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_picture_with_a_piece_that_the_driver_flags_is_not_handed_out(codec: Codec, which: int) -> None:
    camera, pieces, all_of_them = in_slices(codec)
    found = camera.give(*itertools.islice(pieces, which % SLICES[codec]))
    next(pieces)
    found += camera.give(None, *pieces)
    assert all_of_them[2] not in {data for data, _ in units(found)}
    assert [data for data, _ in units(found) if data not in all_of_them[:2]] == pictures(codec)[3:]
    assert len(bad(found)) == 1
    assert breaks(found) == [3 * SLICES[codec]]


@BOTH
def test_a_flagged_buffer_or_a_gap_costs_a_camera_of_whole_buffers_that_picture_only(codec: Codec) -> None:
    for before in (2, 3, 10):  # with one alone, nothing is known of the camera yet
        camera, all_of_them = Camera(codec), pictures(codec)
        found = camera.give(*all_of_them[:before], None, *all_of_them[before + 1 : 15])
        camera.lose()
        found += camera.give(*all_of_them[16:])
        left = [number for number in range(len(all_of_them)) if number not in (before, 15)]
        assert units(found) == [(all_of_them[number], number) for number in left]
        assert (bad(found), breaks(found)) == ([before], [before + 1, 16])


@BOTH
def test_a_gap_in_front_of_parameter_sets_is_told_of_the_picture_behind_them(codec: Codec) -> None:
    camera, (first, *others) = Camera(codec), pictures(codec)
    found = camera.give(*others[:6])
    camera.lose()
    begin = slice_places(first, codec)[0]
    found += camera.give(first[:begin], first[begin:], others[6])
    assert breaks(found) == [8]


@BOTH
@pytest.mark.parametrize("lost", [1, 2])
def test_parameter_sets_outlive_the_damaged_keyframe_with_which_they_came_once(codec: Codec, lost: int) -> None:
    syntax = SYNTAXES[codec]
    first, *others = pictures(codec)
    rest = [piece for data in others for piece in slices(without_sets(data, codec), codec)]
    begin = slice_places(first, codec)[0]
    buffers = [first[:begin], *slices(first, codec), *rest]
    buffers[1] = buffers[1][begin:]
    camera, sets = Camera(codec), ParameterSets(codec)
    found = camera.give(*buffers[:lost])
    camera.lose()
    found += camera.give(*buffers[lost + 1 :])
    keys = [each for each in (sets.complete(each.unit) for each in found if each.unit is not None) if each.keyframe]
    assert len(keys) == sum(is_key for _, is_key in encoded(codec, "slices")) - 1
    for key in keys:
        kinds = [nal.kind for nal in nal_units(key.data, codec) if nal.kind in syntax.parameter_sets]
        assert kinds == sorted(syntax.parameter_sets & {7, 8, 32, 33, 34})


def without_sets(data: bytes, codec: Codec) -> bytes:
    kept = [nal for nal in nal_units(data, codec) if nal.kind not in SYNTAXES[codec].parameter_sets]
    return b"".join(data[nal.begin : nal.end] for nal in kept)


def slices_of(data: bytes, codec: Codec) -> bytes:
    kept = [nal for nal in nal_units(data, codec) if nal.kind in SYNTAXES[codec].slices]
    return b"".join(data[nal.begin : nal.end] for nal in kept)


def in_buffers(data: bytes, is_key: bool, way: str, codec: Codec) -> list[bytes]:
    pieces = slices(data, codec) if way == "slices" or (way == "keyframes in slices" and is_key) else [data]
    begin = slice_places(data, codec)[0] if way == "sets apart" and is_key else 0
    return [data[:begin], data[begin:]] if begin else pieces


@BOTH
@pytest.mark.parametrize("way", ["whole", "slices", "keyframes in slices", "sets apart"])
def test_whatever_is_lost_no_picture_is_handed_on_in_part_and_each_gap_is_told(codec: Codec, way: str) -> None:
    for seed in range(15):
        chance = random.Random(seed)
        camera, stream = Camera(codec), encoded(codec, "slices") * 2
        found: list[Captured] = []
        number_at: dict[int, int] = {}
        hit: set[int] = set()
        for number, (data, is_key) in enumerate(stream):
            for piece in in_buffers(data, is_key, way, codec):
                number_at[camera.sequence] = number
                fate = chance.random()
                if fate < 0.05:
                    camera.lose()
                else:
                    found += camera.give(None if fate < 0.1 else piece)
                hit |= {number} if fate < 0.1 else set()
        whole = [(number_at[each.sequence], each) for each in found if each.unit is not None]
        for number, each in whole:
            assert each.unit is not None
            assert slices_of(each.unit.data, codec) == slices_of(stream[number][0], codec)
        for (before, _), (number, each) in itertools.pairwise(whole):
            assert number == before + 1 or (number > before and each.discontinuity)
        near = {number + step for number in hit for step in (-1, 0)} | {len(stream) - 1}
        assert {number for number, _ in whole} >= {*range(len(stream))} - near
