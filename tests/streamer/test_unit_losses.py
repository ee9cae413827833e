# SPDX-License-Identifier: Apache-2.0
"""Cameras that encode lose buffers, and their drivers flag some: which pictures are damaged, and what is told of it."""

import itertools
from collections.abc import Iterator

import pytest
from encoded import encoded
from unit_camera import BOTH, SLICES, Camera, arriving, bad, breaks, pictures, slice_places, slices, units

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
    assert units(found) == list(zip(all_of_them, numbers, strict=True))[1 : len(arriving(codec))]
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
    assert whole == {*arriving(codec)[3:], *(all_of_them[1:2] if which else [])}
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
    assert [data for data, _ in units(found) if data not in all_of_them[:2]] == arriving(codec)[3:]
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
    found += camera.give(first[:begin], first[begin:])
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
