# SPDX-License-Identifier: Apache-2.0
"""vshm check: frames that are flagged as keyframes, and at which no decoder begins."""

import os

import pytest
from encoded import access_units
from jpegs import jpeg
from vshm import codes, vshm

from vshm_ctypes import Codec, Media, Producer

UNIT = access_units(10)[0][0]
IDR = UNIT[UNIT.rindex(b"\0\0\1") :]  # behind its parameter sets
GARBAGE = {
    "random": (Codec.H264, os.urandom(1000).replace(b"\0\0\1", b"\0\0\2")),
    "a picture that is none to begin at": (Codec.H264, access_units(10)[1][0]),
    "lengths in place of start codes": (Codec.H265, len(UNIT).to_bytes(4, "big") + UNIT.replace(b"\0\0\1", b"\0\0\2")),
    "JPEG without its start": (Codec.JPEG, jpeg()[2:]),
    "JPEG that is cut off": (Codec.JPEG, jpeg()[:-100]),
    "another codec": (Codec.JPEG, UNIT),
}


def found_of(ring: str) -> list[str]:
    return [code for code in codes(vshm("check", ring, "--json", "-s", "0.1"), ring) if code != "stalled-writer"]


@pytest.mark.parametrize("kind", GARBAGE)
def test_keyframes_that_are_none_are_found(ring: str, kind: str) -> None:
    codec, data = GARBAGE[kind]
    with Producer(ring) as producer:
        for _ in range(3):
            producer.write(data, keyframe=True, codec=codec)
        assert found_of(ring) == ["not-decodable"]
        told = vshm("check", ring, "-s", "0.1").out
    assert f"3 of the 3 keyframes in it can't be decoded as {codec.name.lower()}: " in told


def test_keyframes_without_their_parameter_sets_are_found(ring: str) -> None:
    with Producer(ring) as producer:
        producer.write(IDR, keyframe=True, codec=Codec.H264)
        assert found_of(ring) == ["no-parameter-sets"]
        producer.write(UNIT, keyframe=True, codec=Codec.H264)
        assert found_of(ring) == []


def test_what_can_be_decoded_and_what_can_not_be_told_is_fine(ring: str) -> None:
    for codec, data in ((Codec.H264, UNIT), (Codec.JPEG, jpeg()), (99, b"of tomorrow")):
        with Producer(ring) as producer:
            producer.write(data, keyframe=True, codec=codec)
            assert found_of(ring) == []
    with Producer(ring, media=Media.AUDIO) as producer:
        producer.write(b"sound", keyframe=True, codec=Codec.OPUS)
        assert "not-decodable" not in found_of(ring)
