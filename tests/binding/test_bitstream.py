# SPDX-License-Identifier: Apache-2.0
"""Access units, key pictures and parameter sets, held against what libavcodec's own parsers say."""

import itertools
import random
from fractions import Fraction
from typing import Any

import av
import pytest
from encoded import ENCODERS, PARSERS, UNIT_GOP, VARIANTS, encoded
from parsers import parsed

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import (
    MAX_PENDING,
    AccessUnit,
    EntryPoint,
    ParameterSets,
    Splitter,
    StreamError,
    entry_point,
    nal_units,
    whole_jpeg,
)
from vshm_ctypes.bitstream.nal import SYNTAXES


def pieces(data: bytes, seed: int) -> list[bytes]:
    chance = random.Random(seed)
    cuts = sorted({0, len(data), *(chance.randrange(len(data)) for _ in range(200))})
    return [data[begin:end] for begin, end in itertools.pairwise(cuts)]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("codec", ENCODERS)
def test_a_byte_stream_in_any_pieces_comes_out_as_its_access_units(codec: Codec, variant: str) -> None:
    expected = encoded(codec, variant)
    stream = b"".join(data for data, _ in expected)
    for seed in range(5):
        splitter = Splitter(codec)
        units = [unit for piece in pieces(stream, seed) for unit, _ in splitter.feed(piece)]
        units += [unit for unit, _ in splitter.flush()]
        assert [(unit.data, unit.keyframe) for unit in units] == list(expected)


@pytest.mark.parametrize("codec", ENCODERS)
def test_the_boundaries_are_libavcodecs(codec: Codec) -> None:
    stream = b"".join(data for data, _ in encoded(codec, "slices"))
    parser = av.CodecContext.create(PARSERS[codec], "r")
    theirs = [bytes(packet) for packet in parsed(parser, stream)]
    splitter = Splitter(codec)
    ours = [unit.data for unit, _ in [*splitter.feed(stream), *splitter.flush()]]
    assert ours == theirs


@pytest.mark.parametrize("codec", ENCODERS)
def test_there_are_several_nal_units_in_a_picture(codec: Codec) -> None:
    """Else the tests above would say nothing about slices."""
    second = encoded(codec, "slices")[1][0]
    kinds = [nal.kind for nal in nal_units(second, codec) if nal.kind in SYNTAXES[codec].slices]
    assert len(kinds) >= 2


def test_a_stream_that_is_none_is_refused_and_forgotten() -> None:
    splitter = Splitter(Codec.H264)
    with pytest.raises(StreamError, match="no H264 stream"):
        list(splitter.feed(b"\1" * (MAX_PENDING + 1)))
    expected = encoded(Codec.H264, "plain")
    units = [*splitter.feed(b"".join(data for data, _ in expected)), *splitter.flush()]
    assert [unit.data for unit, _ in units] == [data for data, _ in expected]


def test_random_bytes_harm_nobody() -> None:
    chance = random.Random(1)
    for codec in ENCODERS:
        splitter = Splitter(codec)
        for _ in range(300):
            data = bytes(chance.choices((0, 0, 0, 1, 0x65, 0x67, 0x26, 0x42, 255), k=chance.randrange(60)))
            given = b"".join(unit.data for unit, _ in splitter.feed(data))
            assert len(given) <= MAX_PENDING
            entry_point(data, codec)
            ParameterSets(codec).learn(data)


@pytest.mark.parametrize("codec", ENCODERS)
def test_keyframes_get_the_parameter_sets_that_they_lack(codec: Codec) -> None:
    syntax, sets = SYNTAXES[codec], ParameterSets(codec)
    units = [AccessUnit(data, entry_point(data, codec)) for data, _ in encoded(codec, "repeated headers")]
    first = sets.complete(units[0])
    assert first == units[0]
    pictures = [nal for nal in nal_units(units[UNIT_GOP].data, codec) if nal.kind in syntax.slices]
    bare = AccessUnit(units[UNIT_GOP].data[pictures[0].begin :], EntryPoint.IDR)
    completed = sets.complete(bare)
    kinds = [nal.kind for nal in nal_units(completed.data, codec)]
    assert kinds[:-1] == {Codec.H264: [7, 8], Codec.H265: [32, 33, 34]}[codec]
    assert completed.data.endswith(bare.data)
    decoder: Any = av.CodecContext.create(PARSERS[codec], "r")
    pictures_out = decoder.decode(av.Packet(completed.data)) + decoder.decode(None)
    assert len(pictures_out) == 1
    delta = units[1]
    assert sets.complete(delta) is delta


def test_parameter_sets_may_come_alone() -> None:
    key = encoded(Codec.H264, "repeated headers")[0][0]
    nals = list(nal_units(key, Codec.H264))
    sets = ParameterSets(Codec.H264)
    sets.learn(b"".join(key[nal.begin : nal.end] for nal in nals if nal.kind in (7, 8)))
    picture = AccessUnit(b"".join(key[nal.begin : nal.end] for nal in nals if nal.kind == 5), EntryPoint.IDR)
    assert [nal.kind for nal in nal_units(sets.complete(picture).data, Codec.H264)][:2] == [7, 8]


def test_a_jpeg_picture_is_trimmed_to_its_end() -> None:
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "yuvj420p", Fraction(1, 25)
    (packet,) = encoder.encode(av.VideoFrame(64, 48, "yuvj420p"))
    picture = bytes(packet)
    assert whole_jpeg(picture + bytes(500)) == picture
    assert entry_point(picture, Codec.JPEG) is EntryPoint.IDR
    with pytest.raises(StreamError, match="start marker"):
        whole_jpeg(picture[1:])
    with pytest.raises(StreamError, match="cut off"):
        whole_jpeg(picture[:-2])
