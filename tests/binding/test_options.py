# SPDX-License-Identifier: Apache-2.0
"""The options of Producer and Consumer: what each does, and what is refused."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from vshm_ctypes import Consumer, Frame, FrameTooLarge, Media, Producer, inspect, list_rings

if TYPE_CHECKING:
    from vshm_ctypes.consumer import Policy, Start


def waiting(stream: Consumer) -> Iterator[Frame]:
    """Yield the frames that have been written already."""
    while (frame := stream.receive(timeout=0)) is not None:
        yield frame


def test_a_ring_is_made_as_the_options_say(ring: str) -> None:
    with Producer(ring, slots=7, slot_size=5000, mode=0o640, media=Media.AUDIO):
        info = inspect(ring)
    assert (info.slots, info.slot_size, info.mode & 0o777, info.media) == (7, 5000, 0o640, Media.AUDIO)


@pytest.mark.parametrize(
    "options",
    [
        {"slots": 1},
        {"slots": 4097},
        {"slots": 2**32 + 30},
        {"slot_size": 0},
        {"slot_size": 2**32},
        {"mode": 0},
        {"mode": 0o1777},
        {"media": 2},
        {"channel": 1},
    ],
    ids=str,
)
def test_an_option_out_of_range_is_refused_and_never_cut(ring: str, options: dict[str, Any]) -> None:
    """ctypes would make 30 of 2**32 + 30."""
    name = next(iter(options))
    with pytest.raises(ValueError, match=f"(?i){name}"):
        Producer(ring, **options)
    assert ring not in list_rings()


def test_a_size_that_no_c_integer_holds_is_refused_and_never_cut(ring: str) -> None:
    with Producer(ring) as producer:
        with pytest.raises(ValueError, match="max_slot_size"):
            Consumer(ring, max_slot_size=2**32)
        with producer.reserve() as slot:
            for size in (-1, 0):
                with pytest.raises(ValueError, match="at least one byte"):
                    slot.commit(size)
            with pytest.raises(FrameTooLarge) as large:
                slot.commit(2**32 + 5)
            assert large.value.ring == ring
            with pytest.raises(ValueError, match="capture_ns"):
                slot.commit(5, capture_ns=-1)
        if sys.maxsize > 2**32:
            with pytest.raises(FrameTooLarge):
                producer.write(mmap.mmap(-1, 2**32 + 5))
        assert producer.info().frames == 0


@pytest.mark.parametrize(
    ("start", "expected"), [("next", [7]), ("newest", [6, 7]), ("oldest", [3, 4, 5, 6, 7]), ("keyframe", [5, 6, 7])]
)
def test_a_reader_starts_where_it_is_told(ring: str, start: Start, expected: list[int]) -> None:
    with Producer(ring, slots=4) as producer:
        for number in range(7):
            producer.write(b"x", keyframe=number % 5 == 0)
        with Consumer(ring, start=start) as stream:
            numbers = [frame.number for frame in waiting(stream)]
            producer.write(b"x")
            assert [*numbers, *(frame.number for frame in waiting(stream))] == expected


@pytest.mark.parametrize(("start", "first"), [("next", 10), ("newest", 10), ("oldest", 5), ("keyframe", 5)])
def test_wherever_a_resyncing_reader_starts_it_begins_at_a_keyframe(ring: str, start: Start, first: int) -> None:
    with Producer(ring, slots=4) as producer:
        for number in range(7):
            producer.write(b"x", keyframe=number % 5 == 0)
        with Consumer(ring, start=start, resync=True) as stream:
            numbers = [frame.number for frame in waiting(stream)]
            for number in range(7, 12):
                producer.write(b"x", keyframe=number % 5 == 0)
                numbers += [frame.number for frame in waiting(stream)]
            assert numbers == list(range(first, 12))
            info = stream.info()
            assert info.missed == 0
            assert info.received + info.skipped == info.span


@pytest.mark.parametrize(
    ("policy", "expected"), [("every", [0, 1, 2, 3, 4, 5]), ("newest", [5]), ("keyframes", [0, 3])]
)
def test_a_reader_gets_the_frames_that_its_policy_wants(ring: str, policy: Policy, expected: list[int]) -> None:
    with Producer(ring) as producer, Consumer(ring, policy=policy) as stream:
        for number in range(6):
            producer.write(b"x", keyframe=number % 3 == 0)
        assert [frame.number for frame in waiting(stream)] == expected
        info = stream.info()
        assert (info.received, info.missed) == (len(expected), 0)
        assert info.received + info.missed + info.skipped == info.span


@pytest.mark.parametrize(("resync", "expected"), [(False, [6, 7, 8, 9]), (True, [8, 9])])
def test_after_a_gap_a_reader_may_wait_for_a_keyframe(ring: str, resync: bool, expected: list[int]) -> None:
    with Producer(ring, slots=4) as producer, Consumer(ring, resync=resync) as stream:
        for number in range(10):
            producer.write(b"x", keyframe=number in (0, 8))
        assert [frame.number for frame in waiting(stream)] == expected
