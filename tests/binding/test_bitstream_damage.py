# SPDX-License-Identifier: Apache-2.0
"""Bytes from anybody: damaged streams, and long runs of nothing."""

import random
from typing import Any

import pytest
from corpus.table import Stream, streams

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import (
    AccessUnit,
    EntryPoint,
    ParameterSets,
    PictureOrder,
    Splitter,
    StreamError,
    entry_point,
    nal_units,
    picture_format,
    whole_jpeg,
)

CODECS = {"h264": Codec.H264, "h265": Codec.H265}


def damaged(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.randrange(1, 8)):
        at = chance.randrange(len(out))
        if chance.random() < 0.3:
            del out[at : at + chance.randrange(1, 20)]
        else:
            out[at] = chance.choice((0, 1, 3, 0xFF, chance.randrange(256)))
        if not out:
            break
    return bytes(out)


def take_everything(data: bytes, codec: Codec) -> None:
    splitter, sets = Splitter(codec), ParameterSets(codec)
    order = PictureOrder(codec)
    for cut in (data[: len(data) // 2], data[len(data) // 2 :]):
        splitter.begins_picture(cut)
        for unit, _ in splitter.feed(cut):
            order.take(sets.complete(unit).data)
    list(splitter.flush())
    for _ in nal_units(data, codec):
        pass
    entry_point(data, codec)
    picture_format(data, codec)
    sets.learn(data)


@pytest.mark.parametrize("stream", streams()[::4], ids=str)
def test_damaged_streams_harm_nobody(stream: Stream) -> None:
    chance = random.Random(5)
    head, sets = stream.data[:3000], stream.data[:300]
    for number in range(60):
        take_everything(damaged(sets if number % 2 else head, chance), CODECS[stream.codec])


@pytest.mark.parametrize("stream", streams()[::5], ids=str)
def test_however_a_damaged_stream_is_cut_its_units_are_the_same(stream: Stream) -> None:
    chance, codec = random.Random(stream.name), CODECS[stream.codec]
    for _ in range(3):
        data = damaged(stream.data[:4000], chance)
        found = []
        for step in (len(data), 997, 61, 1):
            splitter = Splitter(codec)
            units = [unit for at in range(0, len(data), step) for unit, _ in splitter.feed(data[at : at + step])]
            found.append(units + [unit for unit, _ in splitter.flush()])
        assert found[1:] == found[:1] * 3


@pytest.mark.parametrize("filling", [b"\0", b"\0\0\1", b"\0\0\1\x67", b"\x06\xff", b"\0\0\3"])
@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_long_nonsense_is_soon_seen_through(codec: Codec, filling: bytes) -> None:
    """If time grew with the square of the size, this would take hours."""
    data = {Codec.H264: b"\0\0\1\x06", Codec.H265: b"\0\0\1\x4e\x01"}[codec] + filling * (2 << 20)
    assert entry_point(data, codec) is EntryPoint.NONE
    assert picture_format(data, codec) is None
    assert ParameterSets(codec).complete(AccessUnit(data, EntryPoint.IDR)).data == data


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\xd0", b"\xff\xe0\0\2"])
def test_long_nonsense_is_no_jpeg_picture(filling: bytes) -> None:
    data = b"\xff\xd8\xff" + filling * (1 << 16)
    assert picture_format(data, Codec.JPEG) is None
    with pytest.raises(StreamError):
        whole_jpeg(data)


@pytest.mark.parametrize("kind", [Splitter, PictureOrder])
def test_a_codec_without_nal_units_is_refused_by_name(kind: Any) -> None:
    with pytest.raises(ValueError, match=r"JPEG.*no NAL units"):
        kind(Codec.JPEG)
