# SPDX-License-Identifier: Apache-2.0
"""Samples of a container, which are access units as a rule: what is made of them is what the splitter makes."""

import itertools
import random
from collections.abc import Iterable

import pytest
from corpus.table import Stream, streams
from nal_writer import pps, slice_, sps

from hil.streamer.sources.samples import Samples
from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, Splitter, nal_units

ORDINARY = [
    *("x264_plain", "x264_zero_latency", "x264_sliced_threads", "x264_b_pyramid", "x264_delimiters_slices"),
    *("x264_open_gop", "x264_intra_refresh", "OpenH264_plain", "OpenH264_slice_bytes"),
    *("x265_plain", "x265_slices", "x265_open_gop", "x265_repeated_headers"),
]
CODECS = {"h264": Codec.H264, "h265": Codec.H265}
Marked = list[tuple[AccessUnit, int]]


def whole_units(stream: Stream) -> list[bytes]:
    """Return the stream's access units, by the sizes in the table; what lies before the first goes with it."""
    found, at = [], stream.begin
    for size in stream.sizes:
        found.append(stream.data[at : at + size])
        at += size
    return found


def cut_anywhere(data: bytes, codec: Codec, dice: random.Random) -> list[bytes]:
    """Return pieces that end where NAL units end."""
    ends = [nal.begin for nal in nal_units(data, codec)][1:]
    places = [0, *sorted(dice.sample(ends, dice.randint(0, len(ends)))), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


def by_samples(codec: Codec, pieces: Iterable[bytes]) -> tuple[Marked, bool]:
    """Return the access units, and whether no splitter was needed."""
    samples = Samples(codec)
    found = [unit for mark, piece in enumerate(pieces) for unit in samples.feed(piece, mark)]
    return [*found, *samples.flush()], samples._is_regular


def by_splitter(codec: Codec, pieces: Iterable[bytes]) -> Marked:
    splitter = Splitter(codec)
    found = [unit for mark, piece in enumerate(pieces) for unit in splitter.feed(piece, mark)]
    return [*found, *splitter.flush()]


@pytest.mark.parametrize("stream", streams(), ids=str)
def test_samples_become_what_a_splitter_makes_of_them(stream: Stream) -> None:
    codec, dice = CODECS[stream.codec], random.Random(str(stream))
    for pieces in (whole_units(stream), *(cut_anywhere(stream.data, codec, dice) for _ in range(20))):
        assert by_samples(codec, pieces)[0] == by_splitter(codec, pieces)


def test_what_came_before_the_first_odd_sample_is_not_forgotten() -> None:
    """Only the parameter sets tell that a slice belongs to another picture, the first slice of which is missing."""
    pictures = [slice_(kind=5, reference=3, lsb=0), slice_(frame_num=1, lsb=2), slice_(first_mb=5, frame_num=2, lsb=4)]
    samples = [sps() + pps() + pictures[0], *pictures[1:]]
    found, needed_none = by_samples(Codec.H264, samples)
    assert found == by_splitter(Codec.H264, samples)
    assert [unit.data for unit, _ in found] == samples[:2]
    assert not needed_none


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_samples_need_no_splitter(name: str) -> None:
    stream = next(stream for stream in streams() if str(stream).startswith(f"{name}."))
    assert by_samples(CODECS[stream.codec], whole_units(stream))[1]
