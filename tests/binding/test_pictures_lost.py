# SPDX-License-Identifier: Apache-2.0
"""What Pictures returns where frames are lost, damaged or passed over: whole pictures, and what is missing beside them.

The brightness of each picture tells its number, so one that was decoded from a wrong reference tells on itself.
"""

from fractions import Fraction
from typing import Any

import av
import numpy
import pytest
from coded_streams import BEGIN_NS, KINDS, PERIOD, put, put_all, units
from played import number_of, pictures_of, samples
from sets_once import without_sets

from vshm_ctypes import Codec, Flag, Picture, Pictures, Producer
from vshm_ctypes.bitstream import EntryPoint

GAP = 13  # the place of the unit that is lost, in the second GOP
WITH_REFERENCES = [kind for kind in KINDS if kind != "jpeg"]


def all_whole(found: list[Picture], kind: str) -> bool:
    """Return whether each picture shows what its frame was made of."""
    return all(number_of(picture) == units(kind)[picture.number % PERIOD].number % 20 for picture in found)


def next_entry(kind: str, after: int) -> int:
    return next(at for at in range(after, PERIOD) if units(kind)[at].entry is not EntryPoint.NONE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_slow_reader_gets_whole_pictures_from_a_keyframe_on(ring: str, kind: str) -> None:
    codec, stream = KINDS[kind][0], units(kind)
    with Producer(ring, slots=24) as producer, Pictures(ring, policy="every") as pictures:
        put_all(producer, stream[:15], codec, BEGIN_NS)
        first = pictures.receive(10)
        put_all(producer, stream[15:], codec, BEGIN_NS)  # overtakes the reader in the middle of a GOP
        producer.close()
        found = [*pictures]
        books = pictures.books
    assert first is not None
    assert books.missed > 0
    assert sum(picture.missed_before for picture in found) == books.missed
    assert books.span == PERIOD == books.returned + books.skipped + books.missed
    assert all_whole([first, *found], kind)
    after = next(at for at, picture in enumerate(found) if picture.missed_before)
    assert stream[found[after].number].entry is not EntryPoint.NONE or kind == "h264 refresh"
    assert len(found) - after >= 10


@pytest.mark.parametrize("flag", [Flag.DISCONTINUITY, Flag.CORRUPT])
@pytest.mark.parametrize("kind", KINDS)
def test_after_trouble_at_the_source_it_goes_on_at_a_keyframe(ring: str, kind: str, flag: Flag) -> None:
    """A unit is left out before one that is flagged as a discontinuity; or there is one that is flagged as corrupt."""
    codec, stream = KINDS[kind][0], units(kind)
    with Producer(ring, slots=64) as producer, Pictures(ring, policy="every") as pictures:
        put_all(producer, stream[:GAP], codec, BEGIN_NS)
        put(producer, stream[GAP + (flag is Flag.DISCONTINUITY)], codec, BEGIN_NS, flags=flag)
        put_all(producer, stream[GAP + 1 + (flag is Flag.DISCONTINUITY) :], codec, BEGIN_NS)
        producer.close()
        found = [*pictures]
        books = pictures.books
    assert books.damaged == (flag is Flag.CORRUPT)
    shown = {number_of(picture) for picture in found if picture.capture_ns == BEGIN_NS}
    assert shown <= {0, 14}
    assert len(found) + books.skipped + books.damaged == books.span
    if kind == "jpeg":
        assert books.skipped == 0
    else:
        assert books.skipped >= next_entry(kind, GAP + 2) - GAP - 2


def damaged(data: bytes) -> bytes:
    """Return a unit that is cut off."""
    return data[: len(data) * 2 // 3]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_unit_is_counted_and_nothing_that_refers_to_it_is_returned(ring: str, kind: str) -> None:
    codec, stream = KINDS[kind][0], list(units(kind))
    with Producer(ring, slots=64) as producer, Pictures(ring, policy="every") as pictures:
        stream[GAP] = stream[GAP]._replace(data=damaged(stream[GAP].data))
        put_all(producer, stream, codec, BEGIN_NS)
        producer.close()
        found = [*pictures]
        books = pictures.books
    assert books.damaged == 1
    assert all_whole(found, kind)
    assert GAP not in [picture.number for picture in found]
    begins = next_entry(kind, GAP + 1)
    assert not [picture.number for picture in found if GAP < picture.number < begins]
    after = next(picture for picture in found if picture.number >= begins)
    assert kind == "jpeg" or (after.damaged_before, after.skipped_before > 0) == (1, True)


@pytest.mark.parametrize("kind", WITH_REFERENCES)
def test_reading_begins_at_the_newest_keyframe_in_the_ring(ring: str, kind: str) -> None:
    codec, stream = KINDS[kind][0], units(kind)
    with Producer(ring, slots=64) as producer:
        put_all(producer, stream[:25], codec, BEGIN_NS)
        with Pictures(ring, policy="every") as pictures:
            put_all(producer, stream[25:], codec, BEGIN_NS)
            producer.close()
            found = [*pictures]
    begins = max(at for at in range(25) if stream[at].entry is not EntryPoint.NONE)
    assert min(picture.number for picture in found) >= begins
    assert len(found) >= 25
    assert all_whole(found, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_newest_decodes_what_it_needs_and_returns_the_newest(ring: str, kind: str) -> None:
    codec, stream = KINDS[kind][0], units(kind)
    with Producer(ring, slots=64) as producer, Pictures(ring, policy="newest") as pictures:
        found = []
        for begin in range(0, PERIOD, 15):
            put_all(producer, stream[begin : begin + 15], codec, BEGIN_NS)
            picture = pictures.receive(10)
            assert picture is not None
            found.append(picture)
            assert (
                picture.number > begin + 15 - 10
            )  # where there are B pictures, some wait for those that they refer to
        assert pictures.receive(0) is None
        producer.close()
        assert len([*pictures]) <= 1
        books = pictures.books
    assert all_whole(found, kind)
    assert books.span == PERIOD == books.returned + books.skipped
    assert sum(picture.skipped_before for picture in found) <= books.skipped
    assert found[1].skipped_before >= 9


@pytest.mark.parametrize("kind", KINDS)
def test_keyframes_alone_are_decoded_without_what_is_between_them(ring: str, kind: str) -> None:
    codec, stream = KINDS[kind][0], units(kind)
    with Producer(ring, slots=64) as producer, Pictures(ring, policy="keyframes") as pictures:
        put_all(producer, stream, codec, BEGIN_NS)
        producer.close()
        found = [*pictures]
        books = pictures.books
    entries = [at for at in range(PERIOD) if stream[at].entry is not EntryPoint.NONE]
    # A picture at which a gradual refresh only begins is not whole by itself.
    assert [picture.number for picture in found] == (entries[:1] if kind == "h264 refresh" else entries)
    assert all_whole(found, kind)
    assert books.span == books.returned + books.skipped == entries[-1] + 1


def moving(params: str) -> list[bytes]:
    """Return units of H.264 whose slices are large enough for the decoder to conceal what is missing of one."""
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 320, 240, "yuv420p", Fraction(1, 25)
    encoder.options = {"x264-params": f"keyint=12:min-keyint=12:scenecut=0:annexb=1:threads=1:log-level=none:{params}"}
    drawn = numpy.random.default_rng(1).integers(0, 255, (45, 40), numpy.uint8).repeat(8, axis=0).repeat(8, axis=1)
    packets = []
    for number in range(36):
        moved = numpy.ascontiguousarray(numpy.roll(drawn, 3 * number, 1))
        frame = av.VideoFrame.from_ndarray(moved, format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in [*packets, *encoder.encode(None)]]


@pytest.mark.parametrize("params", ["bframes=0", "bframes=2:b-adapt=0", "bframes=3:b-adapt=0:open-gop=1:slices=4"])
def test_no_picture_is_returned_that_the_decoder_made_up(ring: str, params: str) -> None:
    """B pictures come out of the decoder before the one that they refer to, and in which errors were concealed."""
    stream = moving(params)
    whole = {one.number: samples(one.decoded) for one in pictures_of(ring, stream, Codec.H264)}
    for at in range(13, 19):
        cut = [*stream[:at], stream[at][: len(stream[at]) // 2], *stream[at + 1 :]]
        found = pictures_of(ring, cut, Codec.H264)
        assert all(samples(one.decoded) == whole[one.number] for one in found)
        assert len(found) >= 12  # the first GOP at least; the next may be lost too, if the decoder tells late
        assert at not in {one.number for one in found}


@pytest.mark.parametrize("kind", ["h264", "h265"])
def test_parameter_sets_that_came_once_are_looked_for_in_the_ring(ring: str, kind: str) -> None:
    codec, stream = KINDS[kind][0], units(kind)
    bare = [stream[0], *(unit._replace(data=without_sets(unit.data, codec)) for unit in stream[1:])]
    with Producer(ring, slots=64) as producer, Pictures(ring, policy="every") as pictures:
        put_all(producer, bare, codec, BEGIN_NS)  # it begins at the last keyframe in the ring
        producer.close()
        found = [*pictures]
    assert found and all_whole(found, kind)
    assert pictures.books.skipped == 0


@pytest.mark.parametrize("kind", ["h264", "h265"])
def test_where_they_are_gone_a_warning_says_why_no_picture_comes(ring: str, kind: str) -> None:
    codec = KINDS[kind][0]
    bare = [unit._replace(data=without_sets(unit.data, codec)) for unit in units(kind)]
    with Producer(ring, slots=64) as producer, Pictures(ring, policy="every") as pictures:
        put_all(producer, bare, codec, BEGIN_NS)
        producer.close()
        with pytest.warns(RuntimeWarning, match="is a keyframe without its parameter sets .*: let its encoder") as told:
            assert pictures.read() == (False, None)
    assert len(told) == 1 and ring in str(told[0].message)
