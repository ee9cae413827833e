# SPDX-License-Identifier: Apache-2.0
"""receive_into(): frames in a buffer of the program's own, each whole and once, whatever buffer it is."""

import array
import mmap
import os
from pathlib import Path

import numpy
import pytest

from vshm_ctypes import Codec, Consumer, Consumers, FrameTooLarge, Producer, ProducerClosed, picture_layout

pytestmark = pytest.mark.usefixtures("watchdog")


def test_a_buffer_is_filled_over_and_over(ring: str) -> None:
    buffer = bytearray(100)
    with Producer(ring) as producer, Consumer(ring) as stream:
        for number in range(40):
            producer.write(bytes([number]) * (number + 1), keyframe=number == 0, codec=Codec.H265, width=640, fps=25)
            frame = stream.receive_into(buffer, timeout=10)
            assert frame is not None
            assert (frame.number, frame.size, frame.is_keyframe) == (number, number + 1, number == 0)
            assert (frame.codec, frame.width, frame.fps, frame.missed_before) == (Codec.H265, 640, 25, 0)
            assert bytes(frame.data) == bytes([number]) * (number + 1)
            assert bytes(buffer[: number + 1]) == bytes(frame.data)
            assert number == 0 or buffer[number + 1 :] == bytes(99 - number)  # nothing is written behind the frame
        assert stream.receive_into(buffer, timeout=0) is None
        assert stream.receive_into(buffer, timeout=0.01) is None
        producer.close()
        with pytest.raises(ProducerClosed):
            stream.receive_into(buffer, timeout=10)


@pytest.mark.parametrize(
    "buffer",
    [
        memoryview(bytearray(24))[4:],
        array.array("d", [0.0] * 3),
        numpy.zeros((4, 6), numpy.uint8),
        mmap.mmap(-1, 24),
    ],
    ids=["slice", "doubles", "rows", "mapping"],
)
def test_any_writable_buffer_is_taken(ring: str, buffer: object) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        producer.write(b"0123456789")
        frame = stream.receive_into(buffer, timeout=10)  # type: ignore[arg-type]
        assert frame is not None and bytes(frame.data) == b"0123456789"
        assert memoryview(buffer).tobytes()[:10] == b"0123456789"  # type: ignore[arg-type]


OBJECTS = numpy.full(8, None, object)


@pytest.mark.parametrize(
    "buffer", [bytes(24), numpy.zeros((4, 6), numpy.uint8).T, OBJECTS], ids=["read-only", "scattered", "objects"]
)
def test_what_can_t_be_filled_is_refused_and_loses_no_frame(ring: str, buffer: object) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        producer.write(b"frame")
        with pytest.raises(TypeError):
            stream.receive_into(buffer, timeout=10)  # type: ignore[arg-type]
        frame = stream.receive(timeout=10)
        assert frame is not None and (frame.number, frame.data) == (0, b"frame")


def test_addresses_of_objects_are_not_written(ring: str) -> None:
    with Producer(ring) as producer:
        with pytest.raises(TypeError, match="Python objects"):
            producer.write(OBJECTS)  # type: ignore[arg-type]
        assert producer.info().frames == 0


def test_a_frame_that_does_not_fit_comes_with_the_next_call(ring: str) -> None:
    with Producer(ring) as producer, Consumer(ring) as stream:
        producer.write(b"0123456789")
        producer.write(b"next")
        small = bytearray(9)
        for _ in range(2):
            with pytest.raises(FrameTooLarge, match="10 bytes does not fit into a buffer of 9"):
                stream.receive_into(small, timeout=10)
        assert small == bytes(9)
        assert stream.info().received == 0
        frame = stream.receive_into(bytearray(10), timeout=10)
        assert frame is not None and (frame.number, bytes(frame.data)) == (0, b"0123456789")
        for _ in range(2):
            with pytest.raises(FrameTooLarge):
                stream.receive_into(bytearray(3), timeout=10)
        with stream.borrow(timeout=10) as borrowed:
            assert (borrowed.number, bytes(borrowed.data)) == (1, b"next")


def test_a_frame_that_did_not_fit_and_was_overwritten_counts_as_missed(ring: str) -> None:
    with Producer(ring, slots=4, slot_size=100) as producer, Consumer(ring) as stream:
        producer.write(b"0123456789")
        with pytest.raises(FrameTooLarge):
            stream.receive_into(bytearray(9), timeout=10)
        for number in range(5):
            producer.write(bytes([number]))
        frame = stream.receive_into(bytearray(100), timeout=10)
        assert frame is not None and frame.data == bytes([frame.number - 1])  # never the torn one
        info = stream.info()
        assert info.received + info.missed + info.skipped == info.span


def test_after_a_frame_that_did_not_fit_several_rings_go_on(ring: str) -> None:
    names = [f"{ring}_0", f"{ring}_1"]
    with Producer(names[0]) as first, Producer(names[1]) as second, Consumers(names) as cameras:
        first.write(b"0123456789")
        with pytest.raises(FrameTooLarge):
            cameras.streams[0].receive_into(bytearray(1), timeout=10)
        second.write(b"second")
        found = [cameras.receive(timeout=10) for _ in range(2)]
        assert sorted(frame.data for _, frame in filter(None, found)) == [b"0123456789", b"second"]


def test_closing_over_a_frame_that_did_not_fit_unmaps_the_ring(ring: str) -> None:
    with Producer(ring) as producer:
        stream = Consumer(ring)
        producer.write(b"0123456789")
        with pytest.raises(FrameTooLarge):
            stream.receive_into(bytearray(1), timeout=10)
        mapped = _mappings(ring)
        stream.close()
        assert _mappings(ring) < mapped


def _mappings(ring: str) -> int:
    return Path(f"/proc/{os.getpid()}/maps").read_text().count(ring)


def test_a_raw_picture_is_an_array_in_the_buffer(ring: str) -> None:
    layout = picture_layout(Codec.RGB24, 6, 4)
    buffer = bytearray(layout.size)
    with Producer(ring, slots=4, slot_size=layout.size) as producer, Consumer(ring) as stream:
        producer.write(bytes(range(layout.size)), **layout.meta())
        frame = stream.receive_into(buffer, timeout=10)
        assert frame is not None
        picture = frame.array()
        assert picture.shape == (4, 6, 3)
        buffer[0] = 200
        assert picture[0, 0, 0] == 200 and picture[0, 0, 1] == 1
