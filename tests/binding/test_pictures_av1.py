# SPDX-License-Identifier: Apache-2.0
"""Pictures of a ring of AV1, whose temporal units Pictures hands to the decoder as they are."""

import functools
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from typing import Any

import av
import numpy
import pytest

from vshm_ctypes import Codec, Flag, Pictures, Producer

GOP, COUNT, WIDTH, HEIGHT = 8, 30, 128, 96
STEP = 8  # between the brightness of one picture and that of the next


def brightness(number: int) -> int:
    return 30 + STEP * (number % 20)


@functools.cache
def units() -> list[tuple[bytes, bool]]:
    """Return temporal units, each of one picture with a brightness of its own, and whether they are keyframes.

    They come from another process: for root, SVT-AV1 4.1.0 leaves the thread that opens it in the real-time class,
    ahead of all else on the machine, and so whatever that thread starts.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as elsewhere:
        return elsewhere.submit(encoded).result()


def encoded() -> list[tuple[bytes, bool]]:
    encoder: Any = av.CodecContext.create("libsvtav1", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.gop_size = WIDTH, HEIGHT, "yuv420p", GOP
    encoder.time_base, encoder.framerate = Fraction(1, 30), Fraction(30)
    encoder.options = {"preset": "12", "crf": "10", "svtav1-params": "pred-struct=1:lp=1"}
    packets = []
    for number in range(COUNT):
        picture = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane, level in zip(picture.planes, (brightness(number), 128, 128), strict=True):
            plane.update(bytes([level]) * plane.buffer_size)
        picture.pts = number
        packets += encoder.encode(picture)
    packets += encoder.encode(None)
    return [(bytes(packet), packet.is_keyframe) for packet in packets]


def put(producer: Producer, begin: int = 0) -> None:
    for data, is_keyframe in units()[begin:]:
        producer.write(data, keyframe=is_keyframe, codec=Codec.AV1, width=WIDTH, height=HEIGHT, fps=30)


def is_of(array: Any, number: int) -> bool:
    """Return whether a grey picture of full range shows that number's brightness."""
    return bool(abs(float(numpy.mean(array)) - (brightness(number) - 16) * 255 / 219) < STEP / 2)


@pytest.mark.parametrize("begin", [0, 3])
def test_each_picture_is_its_own_from_a_keyframe_on(ring: str, begin: int) -> None:
    with Producer(ring, slots=64) as producer, Pictures(ring, policy="every", format="grey") as pictures:
        put(producer, begin)
        producer.close()
        found = [(picture.number + begin, picture.array()) for picture in pictures]
    assert [number for number, _ in found] == list(range(GOP if begin else 0, COUNT))
    assert all(is_of(array, number) for number, array in found)


def test_after_a_gap_nothing_is_shown_until_a_keyframe(ring: str) -> None:
    with Producer(ring, slots=64) as producer, Pictures(ring, policy="every", format="grey") as pictures:
        for number, (data, is_keyframe) in enumerate(units()):
            if number != GOP + 3:  # lost on the way; what follows says so
                flags = Flag.DISCONTINUITY if number == GOP + 4 else 0
                producer.write(data, keyframe=is_keyframe, codec=Codec.AV1, width=WIDTH, height=HEIGHT, flags=flags)
        producer.close()
        found = [picture.number for picture in pictures]
    assert found == [*range(GOP + 3), *range(2 * GOP - 1, COUNT - 1)]
