# SPDX-License-Identifier: Apache-2.0
"""What a bridge keeps for a far side that is slow: whole frames, from a keyframe on after a gap, in bounded memory."""

import threading

import pytest
from writers import WATCHDOG_S, wait_until

from vshm_ctypes import Consumer, Frame, Producer
from vshm_ctypes.bridges.figures import Cause
from vshm_ctypes.bridges.hand_over import HandOver, take_first
from vshm_ctypes.bridges.ring_reader import RingReader
from vshm_ctypes.bridges.statistics import Statistics, StreamStatistics
from vshm_ctypes.cli.publish.messages import Order
from vshm_ctypes.cli.publish.publisher import Publisher
from vshm_ctypes.published import list_published


class Between:
    """A hand-over, and the frames that were put in: a keyframe every gop frames."""

    def __init__(self, gop: int, units: int = 10, size: int = 10_000) -> None:
        self.statistics = StreamStatistics("/ring")
        self.hand_over: HandOver[int] = HandOver(self.statistics, most_units=units, most_bytes=size)
        self._gop, self._next = gop, 0

    def put(self, count: int, size: int = 100) -> None:
        for _ in range(count):
            self.hand_over.put(self._next, size, keyframe=self._next % self._gop == 0)
            self._next += 1

    def take(self) -> list[tuple[int, bool]]:
        """Return all that waits: its number, and whether something is missing before it."""
        found = []
        while (handed := self.hand_over.take(0)) is not None:
            found.append((handed.unit, handed.discontinuity))
        return found

    @property
    def dropped(self) -> dict[Cause, int]:
        return self.statistics.figures().dropped or {}


def test_a_far_side_that_keeps_up_gets_every_frame() -> None:
    between = Between(gop=5)
    found = []
    for _ in range(4):
        between.put(10)
        found += between.take()
    assert found == [(number, False) for number in range(40)]
    assert between.dropped == {}


def test_what_is_too_much_goes_up_to_the_next_keyframe_and_the_gap_is_told() -> None:
    between = Between(gop=4, units=10)
    between.put(11)
    assert between.take() == [(4, True), *((number, False) for number in range(5, 11))]
    assert between.dropped == {Cause.SLOW: 4}
    between.put(1)
    assert between.take() == [(11, False)]


def test_a_gop_larger_than_what_is_kept_goes_as_a_whole() -> None:
    between = Between(gop=30, units=10)
    between.put(25)
    assert between.take() == []
    between.put(6)  # the next keyframe is frame 30
    assert between.take() == [(30, True)]
    assert between.dropped == {Cause.SLOW: 30}


def test_the_rest_of_a_gop_that_was_partly_taken_is_dropped() -> None:
    between = Between(gop=8, units=4)
    between.put(2)
    assert between.take() == [(0, False), (1, False)]
    between.put(7)  # frames 2 to 8
    assert between.take() == [(8, True)]


def test_sound_loses_only_as_many_frames_as_it_takes() -> None:
    between = Between(gop=1, units=10)
    between.put(13)
    assert between.take() == [(3, True), *((number, False) for number in range(4, 13))]
    assert between.dropped == {Cause.SLOW: 3}


def test_bytes_are_bounded_too() -> None:
    between = Between(gop=1, units=100, size=1000)
    between.put(7, size=300)
    assert between.take() == [(4, True), (5, False), (6, False)]


def test_a_frame_larger_than_all_that_is_kept_is_dropped_with_what_refers_to_it() -> None:
    between = Between(gop=4, units=10, size=1000)
    between.put(2)
    between.put(1, size=1001)
    between.put(3)  # 3, and 4, a keyframe, and 5
    assert between.take() == [(0, False), (1, False), (4, True), (5, False)]
    assert between.dropped == {Cause.TOO_LARGE: 1, Cause.SLOW: 1}


def test_a_new_far_side_begins_at_the_newest_keyframe() -> None:
    between = Between(gop=4)
    between.hand_over.cause = Cause.DOWN
    between.put(10)
    between.hand_over.restart()
    assert between.take() == [(8, True), (9, False)]
    between.hand_over.restart()  # nothing waits: the rest of this group can't be decoded there
    between.put(4)
    assert between.take() == [(12, True), (13, False)]
    assert between.dropped == {Cause.DOWN: 8 + 2}


def test_its_books_balance_whatever_comes() -> None:
    between = Between(gop=7, units=9, size=2000)
    taken = 0
    for turn in range(300):
        between.put(turn % 12, size=50 + turn * 97 % 600)
        if turn % 50 == 17:
            between.hand_over.restart()
        for _ in range(turn % 5):
            taken += between.hand_over.take(0) is not None
        figures = between.statistics.figures()
        dropped = sum((figures.dropped or {}).values())
        assert len(between.hand_over) <= 9
        assert figures.received == taken + dropped + len(between.hand_over)


def test_whoever_waits_is_woken_by_a_frame_and_by_the_end() -> None:
    between = Between(gop=1)
    seen: list[object] = []

    def wait() -> None:
        while (handed := between.hand_over.take(10 * WATCHDOG_S)) is not None:
            seen.append(handed.unit)
            came.set()

    came = threading.Event()
    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    between.put(1)
    assert came.wait(WATCHDOG_S)
    between.hand_over.close()
    thread.join(WATCHDOG_S)
    assert not thread.is_alive()
    assert seen == [0]


def test_of_several_streams_what_came_first_goes_first() -> None:
    arrival = threading.Condition()
    both = [HandOver[str](StreamStatistics(name), arrival=arrival) for name in ("/pictures", "/sound")]
    for at, unit in ((1, "sound"), (0, "picture"), (1, "more sound")):
        both[at].put(unit, 1, keyframe=True)
    order = [take_first(both, 0) for _ in range(3)]
    assert [(found[0], found[1].unit) for found in order if found] == [(1, "sound"), (0, "picture"), (1, "more sound")]


@pytest.mark.parametrize("when", ["before", "after"])
def test_nothing_is_let_in_after_the_end(when: str) -> None:
    between = Between(gop=1)
    if when == "after":
        between.put(1)
    between.hand_over.close()
    between.put(1)
    assert between.dropped == {Cause.ENDED: 1}
    assert [number for number, _ in between.take()] == ([0] if when == "after" else [])


def test_a_reader_that_lacks_memory_or_a_thread_goes_on_once_there_is_some(
    ring: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that ended there would leave a bridge that stands still, and says nothing."""
    lacking = [RuntimeError("can't start new thread"), MemoryError()]
    statistics, said = StreamStatistics(ring), list[str]()
    hand_over: HandOver[Frame] = HandOver(statistics)

    class Lacks(Consumer):
        def receive(self, *timeout: float | None) -> Frame | None:
            if lacking:
                raise lacking.pop()
            return super().receive(*timeout)

    monkeypatch.setattr("vshm_ctypes.bridges.ring_reader.Consumer", Lacks)
    monkeypatch.setattr("vshm_ctypes.bridges.ring_reader.RETRY_S", 0.01)
    with Producer(ring) as writer:
        writer.write(b"frame", keyframe=True)
        reader = RingReader(ring, hand_over, statistics, said.append)
        assert hand_over.take(WATCHDOG_S) is not None
        reader.close()
    assert "memory" in said[0] and "no thread can be started" in said[1]


def test_a_publisher_without_a_thread_leaves_no_counters(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def refuse_the_last(thread: threading.Thread) -> None:
        if thread.name == "vshm-publish":
            wait_until(lambda: ring in {one.ring for one in list_published()}, "the reader publishes its counters")
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_the_last)
    with Producer(ring), pytest.raises(RuntimeError):
        Publisher(Order("udp://127.0.0.1:9", [ring]), Statistics("publish", "", [ring]), lambda _: None, lambda: None)
    assert ring not in {one.ring for one in list_published()}
