# SPDX-License-Identifier: Apache-2.0
"""sync(): what belongs together by time of capture, in order, whatever becomes of a stream meanwhile."""

import itertools
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Thread, Timer

import pytest
from vshm import Camera
from writers import BUILD, SHARED_MEMORY, Channel, wait_until

from vshm_ctypes import Consumer, Frame, Producer, ProducerClosed, ProducerDied, State, VideoShmError, inspect, sync
from vshm_ctypes.matching import HELD_FRAMES, _captured_ns

pytestmark = pytest.mark.usefixtures("watchdog")

MS = 1_000_000
FOR_EVER_S = 1000.0  # patience that no slow machine exhausts


class Stage:
    """Rings whose frames have the times of capture that a test gives them, in ms from the begin."""

    def __init__(self, ring: str, stack: ExitStack, count: int = 2) -> None:
        self.begin_ns = time.monotonic_ns() - 100_000 * MS
        names = [f"{ring}_{at}" for at in range(count)]
        self.writers = [stack.enter_context(Producer(name, slots=1000, slot_size=16)) for name in names]
        self.readers = [stack.enter_context(Consumer(name, start="oldest")) for name in names]

    def write(self, at: int, *times_ms: float) -> None:
        for time_ms in times_ms:
            with self.writers[at].reserve() as slot:
                slot.data[:1] = b"x"
                slot.commit(1, keyframe=True, capture_ns=self.begin_ns + round(time_ms * MS))

    def close(self) -> None:
        for writer in self.writers:
            writer.close()

    def times(self, *frames: Frame) -> list[float]:
        return [round((frame.capture_ns - self.begin_ns) / MS, 3) for frame in frames]


@pytest.fixture
def stage(ring: str) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(ring, stack)


def expected(leader: list[float], follower: list[float], tolerance: float) -> list[list[float]]:
    """Return the result by its definition: the leader's nearest frame, the earlier of two, if it is near enough."""
    groups: list[list[float]] = [[] for _ in leader]
    for at in follower:
        nearest = min(range(len(leader)), key=lambda n: (abs(leader[n] - at), leader[n]))
        if abs(leader[nearest] - at) <= tolerance:
            groups[nearest].append(at)
    return groups


def irregular(chance: random.Random, interval: float, end: float) -> list[float]:
    """Return times that jitter by half an interval, with gaps."""
    times, at = [], chance.uniform(0, interval)
    while at < end:
        if chance.random() < 0.9:
            times.append(round(at, 3))
        at += interval * (chance.uniform(0.5, 1.5) if chance.random() < 0.95 else 12)
    return times


@pytest.mark.parametrize("seed", range(30))
def test_each_frame_comes_with_the_frame_it_is_nearest_to(ring: str, seed: int) -> None:
    chance = random.Random(seed)
    tolerance = chance.choice([0, 3, 12, 20, 60])
    times = [irregular(chance, interval, 9000) for interval in (chance.choice([16, 33, 100]), 20, 90)]
    with ExitStack() as stack:
        stage = Stage(ring, stack, 3)
        for at_ms, at in sorted((at_ms, number) for number in range(3) for at_ms in times[number]):
            stage.write(at, at_ms)
        stage.close()
        synced = sync(*stage.readers, tolerance=tolerance / 1000, patience=FOR_EVER_S)
        found = [(stage.times(frame)[0], stage.times(*near), stage.times(*far)) for frame, near, far in synced]
    assert found == list(
        zip(times[0], expected(times[0], times[1], tolerance), expected(times[0], times[2], tolerance), strict=True)
    )
    assert [books.received for books in synced.books] == [len(stream) for stream in times]
    assert synced.books[1].matched == sum(len(near) for _, near, _ in found)
    assert synced.books[2].matched == sum(len(far) for _, _, far in found)
    assert [books.missed for books in synced.books] == [0, 0, 0]


def test_a_frame_that_is_late_is_waited_for(stage: Stage) -> None:
    stage.write(0, 0, 33)
    synced = sync(*stage.readers, patience=FOR_EVER_S)

    def write_later() -> None:
        for at_ms in (5, 25, 45, 65):
            time.sleep(0.05)
            stage.write(1, at_ms)

    writer = Thread(target=write_later)
    writer.start()
    frame, others = next(synced)
    assert (stage.times(frame), stage.times(*others)) == ([0], [5])
    writer.join()


def test_a_frame_waits_for_the_one_that_it_may_be_nearer_to(stage: Stage) -> None:
    stage.write(0, 0)
    stage.write(1, 0, 18, 64)
    synced = sync(*stage.readers, tolerance=0.03, patience=FOR_EVER_S)
    writer = Timer(0.2, stage.write, [0, 33])
    writer.start()
    found = [(stage.times(frame), stage.times(*others)) for frame, others in itertools.islice(synced, 2)]
    writer.join()
    assert found == [([0], [0]), ([33], [18])]


def test_two_cameras_come_in_pairs_and_a_gap_leaves_one_alone(stage: Stage) -> None:
    stage.write(0, *range(0, 400, 40))
    stage.write(1, *(at + 11 for at in range(0, 400, 40) if not 100 < at < 250))
    stage.close()
    synced = sync(*stage.readers, tolerance=0.015)
    assert [stage.times(*others) for _, others in synced] == [
        [at + 11] if not 100 < at < 250 else [] for at in range(0, 400, 40)
    ]
    first, second = synced.books
    assert (first.matched, first.unmatched, second.matched, second.unmatched) == (6, 4, 6, 0)


def test_a_gap_of_the_first_leaves_out_what_falls_into_it(stage: Stage) -> None:
    stage.write(0, 0, 40, 400, 440)
    stage.write(1, *range(0, 460, 20))
    stage.close()
    synced = sync(*stage.readers)
    assert [stage.times(*others) for _, others in synced] == [[0, 20], [40, 60], [380, 400, 420], [440]]
    assert synced.books[1].unmatched == 23 - 8


def test_a_stream_that_stalls_does_not_hold_up_the_first_and_is_matched_again_when_it_comes_back(stage: Stage) -> None:
    synced = sync(*stage.readers, tolerance=0.03, patience=0.2)
    stage.write(1, 0, 40)
    stage.write(0, 0, 40, 80, 120)
    assert [stage.times(*others) for _, others in itertools.islice(synced, 4)] == [[0], [40], [], []]
    stage.write(1, 81, 121, 135, 161, 201)  # three are too late: theirs was handed out alone
    stage.write(0, 160)
    assert [stage.times(*others) for _, others in itertools.islice(synced, 1)] == [[161]]
    assert synced.books[1].unmatched == 3


def test_a_stream_that_ends_is_not_waited_for(stage: Stage) -> None:
    stage.write(0, 0, 40)
    stage.write(1, 0)
    stage.writers[1].close()
    synced = sync(*stage.readers, patience=FOR_EVER_S)
    assert [stage.times(*others) for _, others in itertools.islice(synced, 2)] == [[0], []]
    assert isinstance(synced.books[1].ended, ProducerClosed)
    assert synced.books[0].ended is None
    stage.writers[0].close()
    assert list(synced) == []
    assert isinstance(synced.books[0].ended, ProducerClosed)


@pytest.mark.parametrize("dies", [0, 1])
def test_a_writer_that_is_killed_ends_the_whole_only_if_it_is_the_first(ring: str, dies: int) -> None:
    begin_ns = time.monotonic_ns() - 1000 * MS

    def write(producer: Producer, count: int) -> None:
        for number in range(count):
            with producer.reserve() as slot:
                slot.commit(1, keyframe=True, capture_ns=begin_ns + number * 40 * MS)

    names = [f"{ring}_0", f"{ring}_1"]
    paths = [SHARED_MEMORY / name[1:] for name in names]
    child = os.fork()
    if child == 0:
        producer = Producer(names[dies])
        write(producer, 3)
        signal.pause()
    try:
        wait_until(lambda: paths[dies].exists() and inspect(names[dies]).frames == 3, "it writes")
        with Producer(names[1 - dies]) as other, ExitStack() as stack:
            streams = [stack.enter_context(Consumer(name, start="oldest")) for name in names]
            write(other, 5)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            child = 0
            synced = sync(*streams, patience=FOR_EVER_S)
            found = [len(others) for _, others in itertools.islice(synced, 3 if dies == 0 else 5)]
            if dies == 0:
                with pytest.raises(ProducerDied):
                    next(synced)
        assert found == ([1, 1, 1] if dies == 0 else [1, 1, 1, 0, 0])
        assert isinstance(synced.books[dies].ended, ProducerDied)
    finally:
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        for path in paths:
            path.unlink(missing_ok=True)


def test_memory_is_bounded_while_the_first_stalls(stage: Stage) -> None:
    synced = sync(*stage.readers, patience=FOR_EVER_S)
    reader = Thread(target=lambda: next(synced))
    reader.start()
    for at in range(10):
        stage.write(1, *range(at * 1000, at * 1000 + 1000, 2))
        wait_until(lambda: synced.books[1].received == at * 500 + 500, "all is read")  # noqa: B023 - called at once
    books = synced.books[1]
    assert books.received == 5000
    assert books.received - books.matched - books.unmatched == HELD_FRAMES
    stage.write(0, 9990, 10_030)
    stage.write(1, 10_020)
    reader.join()
    assert books.matched == 15  # 9970 to 9998, of those that were kept
    assert books.missed == 0


def test_memory_is_bounded_while_another_stalls(stage: Stage) -> None:
    synced = sync(*stage.readers, patience=FOR_EVER_S)
    stage.write(0, *range(HELD_FRAMES + 50))
    found = [stage.times(frame)[0] for frame, _ in itertools.islice(synced, 51)]
    assert found == list(range(51))


def test_a_time_of_the_future_does_not_end_the_waiting(stage: Stage) -> None:
    stage.begin_ns = time.monotonic_ns() - 40 * MS
    stage.write(0, 0)
    stage.write(1, 3_600_000, 0, 40)
    synced = sync(*stage.readers, patience=FOR_EVER_S)
    assert [stage.times(*others) for _, others in itertools.islice(synced, 1)] == [[0]]
    now_ms = round((time.monotonic_ns() - stage.begin_ns) / MS + 10)
    time.sleep(0.05)
    stage.write(0, now_ms)
    later = Timer(0.3, stage.write, [1, now_ms, now_ms + 30])
    later.start()
    assert now_ms in stage.times(*next(synced)[1])
    later.join()


def test_what_the_ring_lost_is_told(ring: str) -> None:
    with ExitStack() as stack:
        stage = Stage(ring, stack)
        stage.write(0, *range(1100))
        stage.write(1, *range(1200))
        stage.close()
        synced = sync(*stage.readers)
        assert len(list(synced)) == synced.books[0].received
    assert [books.received + books.missed for books in synced.books] == [1100, 1200]
    assert all(books.missed > 0 for books in synced.books)


def _frames(ring: int) -> int:
    try:
        return inspect(ring).frames
    except VideoShmError:
        return 0


def test_without_a_time_of_capture_the_wall_clock_is_converted() -> None:
    wall_ms = time.time_ns() // MS - 5000
    before_ns = time.monotonic_ns()
    found_ns = _captured_ns(Frame((0, 0, 0, 0, 0, 0, 0, 0, 0, wall_ms, 1, 0, True, 0, 0, 0, 0), b"x"))
    assert before_ns - 5010 * MS <= found_ns <= time.monotonic_ns() - 4990 * MS


def test_a_version_1_writer_is_matched_by_its_wall_clock(ring: str, channel: Channel) -> None:
    command = [str(BUILD / "tests" / "v1" / "v1_writer"), "-c", str(channel.number), "-f", "50"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as old, Camera(ring, fps=100), ExitStack() as stack:
        stack.callback(old.kill)
        wait_until(lambda: _frames(channel.number) > 0, "it writes")
        streams = [stack.enter_context(Consumer(name)) for name in (channel.number, ring)]
        assert inspect(channel.number).state == State.UNKNOWN
        deadline = time.monotonic() + 60  # how many stay alone until then is the machine's matter
        pairs = (pair for pair in sync(*streams, tolerance=0.1) if pair[1] or time.monotonic() > deadline)
        apart_ms = [abs(first.timestamp_ms - others[0].timestamp_ms) for first, others in itertools.islice(pairs, 5)]
    assert min(apart_ms) < 500  # by the wall clock, which tells when each was written


@pytest.mark.parametrize("options", [{"tolerance": -1}, {"tolerance": float("nan")}, {"patience": -0.1}])
def test_what_makes_no_sense_is_refused(stage: Stage, options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="seconds from 0 on"):
        sync(*stage.readers, **options)
    with pytest.raises(ValueError, match="two streams at least"):
        sync(stage.readers[0])
