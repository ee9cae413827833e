# SPDX-License-Identifier: Apache-2.0
"""Measures throughput and cost: the camera at its highest rate, the ring at full rate, and the original's promises."""

from __future__ import annotations

import dataclasses

import pytest

from hil.figures.measurement import Measurement
from hil.fleet import FleetResult, RingWriter
from hil.report.recorder import RecordedTest
from hil.suite.rig import Rig, cpu_us_per_frame, histogram_of, put_on_record, steady_rate
from hil.workers.records import Records, accepted

pytestmark = [pytest.mark.timed, pytest.mark.ring]

WARM_UP = 15  # frames, until encoder and camera run steadily
ENCODER_SHARE = 0.8  # share of a core; an encoder that needs more must drop pictures, however idle the machine is


def put_writer(record: RecordedTest, rig: Rig, result: FleetResult) -> float:
    """Record the cost of the writer's process and of its ring. Returns its CPU seconds per frame."""
    [life] = result.writer.lives
    [books] = result.writer.books
    assert books is not None
    first, last = life.samples[0], life.samples[-1]
    within = [row for row in accepted(life.written) if first.at_ns <= row["entry_ns"] <= last.at_ns]
    cost_us = (last.cpu_s - first.cpu_s) * 1e6 / max(len(within), 1)
    ring_us = books["ring_cpu_us_per_frame"]
    record.measure(
        rig.board.measurement("cost.writer_cpu_us_per_frame", "CPU per frame of camera-streamer", cost_us),
        rig.board.measurement("cost.ring_us_per_frame", "CPU per frame in the ring's calls", ring_us),
    )
    return cost_us / 1e6


def put_memory(record: RecordedTest, rig: Rig, result: FleetResult) -> None:
    """Record the memory of the ring, and the growth of a reader from the first sample to the last."""
    lives = [life for consumer in result.consumers for life in consumer.lives]
    grown = max(life.samples[-1].rss_bytes - life.samples[0].rss_bytes for life in lives)
    key = "memory.growth_kb"
    record.measure(
        rig.board.measurement("memory.shared_mb", "shared memory of the ring", result.ring.object_bytes / 1e6, False),
        rig.board.measurement(key, "memory growth of the reader that grew most", grown / 1000, False),
    )


def put_ring_rate(record: RecordedTest, rig: Rig, result: FleetResult, must_give_up: float = 0.0) -> float:
    """Record the rate at which pictures got into the ring once all were running, and its deviation. Returns the rate.

    If pictures must be dropped, there is no limit, since the rate is then the processor's.
    """
    entry_ns = at_work(result)["entry_ns"]
    rate, deviation = steady_rate(entry_ns)
    record.measure(Measurement("rate in the ring", "1/s", rate))
    if "real-time-video" in rig.board.capabilities and not must_give_up:
        key = "rate.deviation_share"
        record.measure(rig.board.measurement(key, "deviation of any third of the run", deviation))
    return rate


def put_camera_rate(record: RecordedTest, rig: Rig, result: FleetResult, must_give_up: float) -> None:
    """Record the rate of the camera by its own numbers and times, and how many pictures were dropped.

    The latter is judged by the board's budget, or by the share that has to be dropped.
    """
    numbers, capture_ns = (at_work(result)[name] for name in ("v4l2_sequence", "capture_ns"))
    if numbers[0] < 0:
        return  # the camera does not number its pictures
    rate, deviation = steady_rate(capture_ns, numbers)
    share = 1 - (len(numbers) - 1) / float(numbers[-1] - numbers[0])
    given_up = rig.board.measurement("rate.given_up_share", "pictures that did not get into the ring", share)
    if must_give_up > rig.board.budget("rate.given_up_share"):
        given_up = dataclasses.replace(given_up, at_most=must_give_up, budget=None)
    record.measure(
        Measurement("rate of the camera", "1/s", rate),
        rig.board.measurement("rate.deviation_share", "deviation of any third of the run", deviation),
        given_up,
    )


def at_work(result: FleetResult) -> Records:
    """Return WRITTEN from when all were attached, and encoder and camera were running steadily."""
    written = accepted(result.writer.written)
    return written[written["entry_ns"] >= result.begin_ns][WARM_UP:]


def test_the_cameras_highest_rate_is_held(rig: Rig, record: RecordedTest) -> None:
    """The camera's highest rate is held over the run, no more pictures are given up than encoding on this board
    requires, and costs stay within the budgets.

    Would catch: a source or encoder that falls behind little by little, memory that grows with each frame.
    """
    fps = rig.camera.highest_fps(rig.board)
    # In a third of that time one picture is less than the allowed deviation.
    pictures = WARM_UP + 3 * 1.5 / rig.board.budget("rate.deviation_share")
    result = rig.run("c c c c", rig.time_s(max(8, pictures / fps)), writer=rig.camera.writer(rig.board, fps=fps))
    wrong = put_on_record(record, result)
    must_give_up = max(0.0, 1 - ENCODER_SHARE / (put_writer(record, rig, result) * fps))
    put_ring_rate(record, rig, result, must_give_up)
    put_camera_rate(record, rig, result, must_give_up)
    put_memory(record, rig, result)
    assert wrong == []


@pytest.mark.parametrize("readers", ["c", "c c@slow:50 newest"])
def test_the_ring_at_full_rate(rig: Rig, record: RecordedTest, readers: str) -> None:
    """A ring that is written as fast as memory allows stays whole, and readers count what they miss.

    Would catch: a torn copy that does not happen with a slower writer, counters that lose count.
    """
    result = rig.run(readers, 2, writer=RingWriter(fps=0, size=(20_000, 60_000)))
    wrong = put_on_record(record, result)
    written = accepted(result.writer.written)
    seconds = float(written["entry_ns"][-1] - written["entry_ns"][0]) / 1e9
    [books] = result.writer.books
    assert books is not None
    record.measure(
        Measurement("frames written", "1/s", len(written) / seconds, at_least=rig.board.stream.fps, timed=True),
        Measurement("bytes written", "MB/s", float(written["size"].sum()) / seconds / 1e6),
        Measurement("CPU per write", "µs", books["ring_cpu_us_per_frame"]),
        Measurement("frames dropped by the ring", "frames", books["ring_dropped"], exactly=0),
    )
    for consumer in result.consumers:
        record.measure(Measurement(f"received by {consumer.name}", "1/s", len(consumer.received) / seconds))
    assert wrong == []


@pytest.mark.capability("real-time-video")
def test_the_four_figures_of_the_original(rig: Rig, record: RecordedTest) -> None:
    """The original's four figures hold for the board's stream: less than 1 ms from writer to reader, less than 1 % of
    a core for the ring, about 15 MB of shared memory, and every picture of the camera.

    Would catch: whatever makes the product worse than the program that it replaces.
    """
    result = rig.run("c for", rig.time_s(10))
    wrong = put_on_record(record, result)
    [books] = result.writer.books
    assert books is not None
    histogram = histogram_of(result.latencies_ns(result.consumers[0]))
    rate = put_ring_rate(record, rig, result)
    fps = rig.board.stream.fps
    record.measure(
        Measurement("latency p99", "ms", histogram.percentile(99) / 1e6, at_most=1, timed=True),
        Measurement("a core's time in the ring's calls", "share", books["ring_cpu_share"], at_most=0.01, timed=True),
        Measurement("shared memory", "MB", result.ring.object_bytes / 1e6, at_most=16),
        Measurement("rate against the camera's", "share", rate / fps, at_least=0.99, timed=True),
        Measurement("pictures that were dropped", "pictures", books["encoder_dropped"], at_most=0, timed=True),
        Measurement("CPU per frame of a reader in C", "µs", cpu_us_per_frame(result.consumers[0])),
    )
    assert wrong == []
