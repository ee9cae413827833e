# SPDX-License-Identifier: Apache-2.0
"""Pictures of a ring are those that FFmpeg's program decodes, bit by bit, in the same order, each with its frame."""

import pytest
from coded_streams import BEGIN_NS, FRAME_NS, KINDS, put_all, units
from corpus.table import Stream, streams
from played import CODECS, by_ffmpeg, hashes, number_of, pictures_of, units_of

from vshm_ctypes import Pictures, Producer

# FFmpeg has no decoder for the first; its program takes redundant pictures for pictures of their own.
NO_JUDGE = ("arbitrary_slice_order", "redundant_pictures")
# Pictures in front of the first keyframe, of which the program makes something.
NOT_WHOLE = {"h265_begins_mid_picture.h265": 8}
# Messages that FFmpeg's decoder objects to: found out at the cost of the pictures until the next keyframe.
MESSAGES = {"x265_single_sei.h265": 8}
JUDGED = [stream for stream in streams() if not stream.name.startswith(NO_JUDGE)]


@pytest.mark.parametrize("stream", JUDGED, ids=str)
def test_pictures_are_those_of_ffmpeg(ring: str, stream: Stream) -> None:
    found = hashes(pictures_of(ring, units_of(stream), CODECS[stream.codec]))
    judged = by_ffmpeg(stream.data, CODECS[stream.codec])
    assert len(found) == {**NOT_WHOLE, **MESSAGES}.get(stream.name, stream.frames)
    assert found == judged[-len(found) :]


@pytest.mark.parametrize("kind", KINDS)
def test_each_picture_comes_in_its_turn_with_its_own_time_and_number(ring: str, kind: str) -> None:
    stream = units(kind)
    with Producer(ring, slots=64) as producer, Pictures(ring, policy="every") as pictures:
        put_all(producer, stream, KINDS[kind][0], BEGIN_NS)
        producer.close()
        found = [*pictures]
    assert [picture.capture_ns for picture in found] == [BEGIN_NS + n * FRAME_NS for n in range(len(stream))]
    assert [picture.number for picture in found] == sorted(range(len(stream)), key=lambda at: stream[at].number)
    assert [number_of(picture) for picture in found] == [n % 20 for n in range(len(stream))]
