# SPDX-License-Identifier: Apache-2.0
"""What cameras put into their buffers, and which picture of it has which time; also after a buffer that is broken."""

import functools
import itertools
import logging
from collections.abc import Iterator, Sequence

import pytest
from encoded import encoded
from jpegs import jpeg, put_in

from hil.streamer.sources.source import Captured
from hil.streamer.sources.unit_assembler import SETTLES_AFTER, UnitAssembler
from vshm_ctypes import Codec
from vshm_ctypes.bitstream import nal_units

BOTH = pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])


def pictures(codec: Codec) -> list[bytes]:
    return [data for data, _ in encoded(codec, "slices")]


SLICES = {Codec.H264: 4, Codec.H265: 2}  # of each picture


@functools.cache
def slice_places(data: bytes, codec: Codec) -> list[int]:
    """Where its slices begin."""
    kinds = range(1, 6) if codec == Codec.H264 else range(32)
    places = [nal.begin for nal in nal_units(data, codec) if nal.kind in kinds]
    assert len(places) == SLICES[codec]
    return places


def slices(data: bytes, codec: Codec) -> list[bytes]:
    """A piece for each slice, the first with all that stands in front of it."""
    places = slice_places(data, codec)
    return [data[begin:end] for begin, end in itertools.pairwise([0, *places[1:], len(data)])]


def halves(data: bytes, codec: Codec) -> list[bytes]:
    middle = slice_places(data, codec)[SLICES[codec] // 2]
    return [data[:middle], data[middle:]]


class Camera:
    """Numbers and dates its buffers: 1000 ns apart, beginning with 0."""

    def __init__(self, codec: Codec) -> None:
        self.assembler = UnitAssembler(codec)
        self.sequence = 0
        self.lost = False

    def give(self, *buffers: bytes | None) -> list[Captured]:
        """What comes of them. None: a buffer that the driver flags."""
        found = []
        for data in buffers:
            captured = Captured(self.sequence * 1000, sequence=self.sequence, discontinuity=self.lost)
            take = self.assembler.take
            found += self.assembler.lose(captured) if data is None else take(data, captured)
            self.sequence, self.lost = self.sequence + 1, False
        return found

    def lose(self, count: int = 1) -> None:
        """So many buffers never come."""
        self.sequence, self.lost = self.sequence + count, True


def units(found: Sequence[Captured]) -> list[tuple[bytes, int]]:
    """(access unit, number of the buffer) of those that are whole; each has the time of its buffer."""
    assert all(each.capture_ns == each.sequence * 1000 for each in found)
    assert all((each.unit is None) == each.bad for each in found)
    return [(each.unit.data, each.sequence) for each in found if each.unit is not None]


def breaks(found: Sequence[Captured]) -> list[int]:
    return [each.sequence for each in found if each.discontinuity and not each.bad]


def bad(found: Sequence[Captured]) -> list[int]:
    return [each.sequence for each in found if each.bad]


@BOTH
def test_a_picture_a_buffer_waits_for_the_next_only_at_the_begin(codec: Codec) -> None:
    camera, all_of_them = Camera(codec), pictures(codec)
    late = [len(camera.give(data)) for data in all_of_them]
    assert late == [0, *[1] * (SETTLES_AFTER - 2), 2, *[1] * (len(all_of_them) - SETTLES_AFTER)]
    assert units(Camera(codec).give(*all_of_them)) == [(data, number) for number, data in enumerate(all_of_them)]


@BOTH
def test_slices_in_buffers_of_their_own_are_put_together(codec: Codec) -> None:
    camera, all_of_them = Camera(codec), pictures(codec)
    found = camera.give(*(piece for data in all_of_them for piece in slices(data, codec)))
    assert units(found) == [(data, SLICES[codec] * number) for number, data in enumerate(all_of_them[:-1])]
    assert (breaks(found), bad(found)) == ([], [])


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
    assert units(found) == list(zip(all_of_them, numbers, strict=True))[1:-1]
    assert (bad(found), breaks(found)) == ([0], numbers[1:2])


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
    assert whole == {*all_of_them[3:-1], *(all_of_them[1:2] if which else [])}
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
    assert [data for data, _ in units(found)][-len(all_of_them) + 4 :] == all_of_them[3:-1]
    assert len(bad(found)) == 1
    assert breaks(found) == [3 * SLICES[codec]]


@BOTH
def test_a_flagged_buffer_or_a_gap_costs_a_camera_of_whole_buffers_that_picture_only(codec: Codec) -> None:
    for before in (1, 2, 10):
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


def test_jpeg_buffers_are_whole_or_bad_each_by_itself() -> None:
    camera, picture = Camera(Codec.JPEG), jpeg()
    found = camera.give(picture, picture[:500], None, picture + bytes(50), b"nothing", picture)
    assert units(found) == [(picture, 0), (picture, 3), (picture, 5)]
    assert (bad(found), breaks(found)) == ([1, 2, 4], [3, 5])
    camera.lose(3)
    assert breaks(camera.give(picture)) == [9]


def test_interlaced_jpeg_is_said_to_be_so(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    field = put_in(jpeg(), 0xE0, b"AVI1\1" + bytes(9))
    assert units(Camera(Codec.JPEG).give(field + field)) == [(field, 0)]
    assert "interlaced" in caplog.text
