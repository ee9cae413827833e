# SPDX-License-Identifier: Apache-2.0
"""What a program keeps of the ring's memory after it should have let go: it may change, it never faults."""

import errno
import os
from pathlib import Path

import pytest
from children import run

from vshm_ctypes import Consumer, HandleClosed, Producer, VideoShmError, _waiting

BORROWED = """
import gc, sys, numpy
from vshm_ctypes import Consumer, Producer
producer, stream = Producer(sys.argv[1], slots=4, slot_size=100_000), Consumer(sys.argv[1])
producer.write(b"a" * 100_000)
with stream.borrow(timeout=10) as frame:
    kept = numpy.frombuffer(frame.data, numpy.uint8)
del frame
stream.close()
assert kept.sum() == 100_000 * ord("a")
for _ in range(4):
    producer.write(b"b" * 100_000)
assert kept.sum() == 100_000 * ord("b")
producer.close()
del producer, stream
gc.collect()
assert kept.sum() == 100_000 * ord("b")
assert not kept.flags.writeable
try:
    kept.flags.writeable = True
except ValueError:
    print("read-only")
"""
RESERVED = """
import gc, os, sys, numpy
from vshm_ctypes import Producer
path = f"/dev/shm{sys.argv[1]}"
producer = Producer(sys.argv[1], slots=4, slot_size=100_000)
with producer.reserve() as slot:
    kept = numpy.frombuffer(slot.data, numpy.uint8)
    kept[:] = 1
    slot.commit(100_000)
os.link(path, path + ".aside")  # so that closing leaves the object a name
producer.close()
del producer, slot
gc.collect()
kept[:] = 2
assert kept.sum() == 200_000
os.rename(path + ".aside", path)
with Producer(sys.argv[1], slots=4, slot_size=100_000):  # nothing that is kept holds the ring
    kept[:] = 3
print("done")
"""
REPLACED = """
import sys, numpy
from vshm_ctypes import Consumer, Producer
first = Producer(sys.argv[1], slots=4, slot_size=1000)
stream = Consumer(sys.argv[1], reconnect=True)
first.write(b"old")
with stream.borrow(timeout=10) as frame:
    kept = numpy.frombuffer(frame.data, numpy.uint8)
first.close()
with Producer(sys.argv[1], slots=8, slot_size=200_000) as second:
    second.write(b"new" * 1000)
    with stream.borrow(timeout=10) as frame:
        assert bytes(frame.data) == b"new" * 1000
        assert frame.discontinuity
    assert kept.tobytes() == b"old"
print("done")
"""


def test_an_array_of_a_borrowed_frame_outlives_everything(ring: str) -> None:
    assert run(BORROWED, ring) == "read-only\n"


def test_an_array_of_a_reserved_slot_outlives_everything_and_holds_nothing(ring: str) -> None:
    assert run(RESERVED, ring) == "done\n"


def test_an_array_of_a_replaced_ring_keeps_what_it_had(ring: str) -> None:
    assert run(REPLACED, ring) == "done\n"


def test_only_frames_that_are_looked_at_in_the_ring_are_mapped_for_it(ring: str) -> None:
    def mappings() -> int:
        return Path(f"/proc/{os.getpid()}/maps").read_text().count(ring)

    with Producer(ring) as producer, Consumer(ring) as stream:
        before = mappings()
        for _ in range(2):
            producer.write(b"x")
        assert stream.receive(timeout=10)
        assert mappings() == before
        with stream.borrow(timeout=10):
            assert mappings() == before + 1


def test_a_frame_whose_ring_can_not_be_mapped_comes_with_the_next_call(
    ring: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> memoryview:
        raise VideoShmError(errno.ENOMEM)

    with Producer(ring) as producer, Consumer(ring) as stream:
        for payload in (b"first", b"second"):
            producer.write(payload)
        with monkeypatch.context() as patched:
            patched.setattr(_waiting, "map_object", fail)
            with pytest.raises(VideoShmError, match="no memory"):
                stream.borrow(timeout=10)
        for payload in (b"first", b"second"):
            with stream.borrow(timeout=10) as frame:
                assert bytes(frame.data) == payload


def test_closing_while_a_frame_is_borrowed_gives_it_back(ring: str) -> None:
    with Producer(ring) as producer:
        stream = Consumer(ring)
        producer.write(b"x")
        frame = stream.borrow(timeout=10)
        stream.close()
        assert frame.give_back()
        with pytest.raises(HandleClosed):
            _ = frame.data


def test_a_reserved_slot_says_no_after_its_commit(ring: str) -> None:
    with Producer(ring) as producer, producer.reserve() as slot:
        slot.data[:3] = b"abc"
        slot.commit(3)
        with pytest.raises(HandleClosed):
            _ = slot.data
        with pytest.raises(HandleClosed):
            slot.commit(3)


@pytest.mark.parametrize("times", [1, 2])
def test_every_call_of_a_closed_handle_raises(ring: str, times: int) -> None:
    producer = Producer(ring)
    stream = Consumer(ring)
    for _ in range(times):
        producer.close()
        stream.close()
    for call in (
        lambda: producer.write(b"x"),
        producer.reserve,
        producer.info,
        stream.receive,
        stream.borrow,
        stream.info,
        stream.stats,
        lambda: next(iter(stream)),
        producer.__enter__,
        stream.__enter__,
    ):
        with pytest.raises(HandleClosed):
            call()
    stream.interrupt()
    assert producer.closed
    assert stream.closed
