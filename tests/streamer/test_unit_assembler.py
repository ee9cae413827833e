# SPDX-License-Identifier: Apache-2.0
"""What cameras put into their buffers, and which picture of it has which time, and is handed on when."""

import itertools

import pytest
from encoded import UNIT_GOP, encoded
from unit_camera import BOTH, SLICES, Camera, bad, breaks, halves, pictures, slice_places, slices, units

from hil.streamer.sources.shapes import SETTLES_AFTER
from vshm_ctypes import Codec


@BOTH
def test_a_picture_a_buffer_waits_for_the_next_only_at_the_begin(codec: Codec) -> None:
    """The second keyframe does, too: that others come in one buffer does not tell that it does."""
    camera, all_of_them = Camera(codec), pictures(codec)
    late = [len(camera.give(data)) for data in all_of_them]
    settled, key = SETTLES_AFTER - 1, UNIT_GOP
    ones = [1] * len(all_of_them)
    assert late == [0, *ones[: settled - 1], 2, *ones[settled + 1 : key], 0, 2, *ones[key + 2 :]]
    assert units(Camera(codec).give(*all_of_them)) == [(data, number) for number, data in enumerate(all_of_them)]


@BOTH
def test_slices_in_buffers_of_their_own_are_put_together(codec: Codec) -> None:
    camera, all_of_them = Camera(codec), pictures(codec)
    found = camera.give(*(piece for data in all_of_them for piece in slices(data, codec)))
    assert units(found) == [(data, SLICES[codec] * number) for number, data in enumerate(pictures(codec))]
    assert (breaks(found), bad(found)) == ([], [])


@BOTH
def test_a_picture_in_slices_is_complete_with_its_last_one_once_their_places_are_known(codec: Codec) -> None:
    camera, all_of_them = Camera(codec), pictures(codec)
    late = [[len(camera.give(piece)) for piece in slices(data, codec)] for data in all_of_them]
    wait, rest = [0] * (SLICES[codec] - 1), [0] * (SLICES[codec] - 2)
    assert late[:5] == [[*wait, 0], *[[1, *wait]] * 2, [1, *rest, 1], [*wait, 1]]
    keys = [number for number, (_, is_key) in enumerate(encoded(codec, "slices")) if is_key]
    assert sum(map(sum, late)) == len(all_of_them)
    assert all(late[number] == [*wait, 1] for number in range(5, len(late)) if not {number, number - 1} & {*keys})


@BOTH
@pytest.mark.parametrize("lacking", [0, 1, 2])
def test_keyframes_in_pieces_among_pictures_in_one_buffer_are_never_cut(codec: Codec, lacking: int) -> None:
    """Even if of the first one no more than the first piece, or the last one, has come."""
    camera, units_of_it = Camera(codec), encoded(codec, "slices") * 3
    buffers = [slices(data, codec) if is_key else [data] for data, is_key in units_of_it]
    firsts = itertools.accumulate(map(len, buffers[:-1]), initial=0)
    expected = [(data, first) for (data, _), first in zip(units_of_it, firsts, strict=True)]
    first_one = [None if index and lacking == 1 else data for index, data in enumerate(buffers[0])]
    first_one = [None if index == 0 and lacking == 2 else data for index, data in enumerate(first_one)]
    found = camera.give(*itertools.chain(first_one, *buffers[1:]))
    assert units(found) == expected[1 if lacking else 0 :]
    assert breaks(found) == [each.sequence for each in found if not each.bad][:1] * (lacking > 0)


def test_slices_that_are_divided_by_size_end_no_picture_too_early() -> None:
    """They lie elsewhere in each picture, and sometimes there is one more."""
    camera, all_of_them = Camera(Codec.H264), pictures(Codec.H264)
    found, expected, first = [], [], 0
    for number, data in enumerate(all_of_them * 3):
        places = slice_places(data, Codec.H264)[1:]
        cuts = places[:2] if number % 5 == 4 else [places[number % 3]]
        buffers = [data[begin:end] for begin, end in itertools.pairwise([0, *cuts, len(data)])]
        found += camera.give(*buffers)
        expected.append((data, first))
        first += len(buffers)
    assert units(found) == expected[: len(found)]
    assert len(found) >= len(expected) - 1
    assert bad(found) == []


@BOTH
def test_halves_of_two_pictures_in_a_buffer_are_put_together(codec: Codec) -> None:
    pieces = [piece for data in pictures(codec) for piece in halves(data, codec)]
    buffers = [pieces[0], *(pieces[at] + pieces[at + 1] for at in range(1, len(pieces) - 1, 2))]
    found = Camera(codec).give(*buffers)
    assert units(found) == [(data, number) for number, data in enumerate(pictures(codec)[:-1])]
    assert (breaks(found), bad(found)) == ([], [])


@BOTH
@pytest.mark.parametrize("size", [100, 1000, 4096])
def test_a_stream_in_chunks_of_any_size_is_put_together(codec: Codec, size: int) -> None:
    stream = b"".join(pictures(codec))
    found = Camera(codec).give(*(stream[at : at + size] for at in range(0, len(stream), size)))
    assert [data for data, _ in units(found)] == pictures(codec)[: len(found)]
    assert len(found) >= len(pictures(codec)) - 2
    begin = 0
    for data, sequence in units(found):
        assert sequence == (begin + slice_places(data, codec)[0] + 4) // size  # a slice begins with its header
        begin += len(data)


@BOTH
def test_several_pictures_in_a_buffer_have_its_time(codec: Codec) -> None:
    pairs = [first + second for first, second in zip(*[iter(pictures(codec))] * 2, strict=True)]
    found = Camera(codec).give(*pairs)
    assert units(found) == [(data, number // 2) for number, data in enumerate(pictures(codec))]


@BOTH
def test_parameter_sets_in_a_buffer_of_their_own_are_part_of_the_next_picture(codec: Codec) -> None:
    first, *others = pictures(codec)
    begin = slice_places(first, codec)[0]
    for settle in ([], others[:5]):
        camera = Camera(codec)
        before = camera.give(*settle)
        found = [*before, *camera.give(first[:begin], first[begin:], *others)]
        expected = [*settle, first, *others]
        numbers = [number + (number >= len(settle)) for number in range(len(expected))]
        assert units(found) == list(zip(expected, numbers, strict=True))
        assert bad(found) == []


@BOTH
def test_one_buffer_that_begins_in_the_middle_makes_no_later_picture_late(codec: Codec) -> None:
    """The picture of each buffer that follows has that buffer's time, and comes with it once things settle."""
    camera, all_of_them = Camera(codec), pictures(codec)
    found = camera.give(*all_of_them[:8], halves(all_of_them[8], codec)[1], *all_of_them[9:])
    expected = [(data, number) for number, data in enumerate(all_of_them) if number != 8]
    assert units(found) == expected
    assert (bad(found), breaks(found)) == ([8], [9])


@BOTH
def test_a_buffer_that_begins_within_a_slice_is_no_picture(codec: Codec) -> None:
    """There is not even a start code that would tell."""
    camera, all_of_them = Camera(codec), pictures(codec)
    torn = slices(all_of_them[8], codec)[-1][9:]
    found = camera.give(*all_of_them[:8], torn, *all_of_them[9:])
    assert units(found) == [(data, number) for number, data in enumerate(all_of_them) if number != 8]
    assert (bad(found), breaks(found)) == ([8], [9])


@BOTH
def test_a_stream_that_begins_in_the_middle_begins_with_the_next_picture(codec: Codec) -> None:
    all_of_them = pictures(codec)
    found = Camera(codec).give(halves(all_of_them[0], codec)[1], *all_of_them[1:])
    assert units(found) == [(data, number) for number, data in enumerate(all_of_them) if number]
    assert bad(found) == [0]
    pieces = [piece for data in all_of_them for piece in slices(data, codec)][1:]
    found = Camera(codec).give(*pieces)
    numbers = [SLICES[codec] * number - 1 for number in range(len(all_of_them))]
    assert units(found) == list(zip(all_of_them, numbers, strict=True))[1 : len(pictures(codec))]
    assert (bad(found), breaks(found)) == ([0], numbers[1:2])


def test_who_settled_too_soon_takes_longer_each_time() -> None:
    """A camera whose large pictures alone come in pieces would have each of them cut in two."""
    camera, all_of_them = Camera(Codec.H264), pictures(Codec.H264)
    found = []
    for data in all_of_them[1:8] * 40:
        found += camera.give(*(halves(data, Codec.H264) if data is all_of_them[1] else [data]))
    assert len(bad(found)) == 2
    assert bad(found)[-1] < 40


def test_noise_is_no_stream_and_said_to_be_none() -> None:
    camera = Camera(Codec.H264)
    found = camera.give(b"\0\0\1\x67" + bytes(100), *[b"\xff" * (1 << 20)] * 20)
    assert units(found) == []
    assert bad(found)
