# SPDX-License-Identifier: Apache-2.0
"""Readers that are too slow lose frames, know how many, and disturb nobody else."""

from __future__ import annotations

import errno
from dataclasses import replace

import numpy
import pytest

from hil.figures.measurement import Measurement
from hil.fleet import Fault, FleetResult
from hil.fleet.witness import Account
from hil.report.recorder import RecordedTest
from hil.suite.rig import Rig, put_on_record, steady_rate
from hil.workers.records import accepted

SLOTS = 6
TOO_SLOW = 2.5  # multiple of the camera's interval


@pytest.fixture(scope="module")
def result(rig: Rig) -> FleetResult:
    """A run with a ring so short that a moment's pause costs frames. One consumer crashes at a random time."""
    names = "c c@slow:400 c@bursty:10,1500 c@stops:2 newest@slow:200 c@crashes"
    return rig.run(names, rig.time_s(8), writer=rig.camera.writer(rig.board, "gop=5", slots=SLOTS))


def account(result: FleetResult, name: str) -> Account:
    """Return the account of the consumer of that name."""
    found = next((account for named, account in result.accounts() if named.endswith(f"-{name}")), None)
    if found is None:
        pytest.skip(f"--consumers left no room for {name}")
    return found


def most_behind(result: FleetResult, name: str) -> int:
    """Return how many frames that reader was behind at most when it took its next one, by the ledger's times."""
    reader = next(one for one in result.consumers if one.name.endswith(f"-{name}"))
    written, received = accepted(result.writer.written), reader.received
    there = numpy.searchsorted(written["entry_ns"], received["awake_ns"][1:])
    known = numpy.searchsorted(written["number"], received["number"][:-1]) + 1
    return int((there - known).max(initial=0))


@pytest.mark.ring
def test_whoever_is_too_slow_counts_exactly_what_it_missed(result: FleetResult, record: RecordedTest) -> None:
    """A reader that is slow, bursty or stopped misses frames, and counts exactly those that it missed.

    Would catch: a lap that goes unnoticed, is counted twice, or ends in a torn frame.
    """
    wrong = put_on_record(record, result)
    for name in ("c-slow", "c-bursty", "c-stops"):
        missed = account(result, name).missed or 0
        # Where the machine hardly encodes, frames come so far apart that nobody is too slow for them.
        least = int(most_behind(result, name) > 2 * SLOTS)
        record.measure(Measurement(f"frames that {name} missed", "frames", missed, at_least=least))
    skipped = account(result, "newest-slow").skipped or 0
    least = int(most_behind(result, "newest-slow") > 2)
    record.measure(Measurement("frames that newest-slow skipped", "frames", skipped, at_least=least))
    assert wrong == []


@pytest.mark.ring
def test_nobody_else_loses_a_frame_to_the_slow(result: FleetResult, record: RecordedTest) -> None:
    """Beside slow, stopped and crashing readers, a steady one gets every frame, and the writer drops none.

    Would catch: a writer that waits for a reader, or a reader's crash that leaves a lock behind.
    """
    steady = account(result, "c")
    [books] = result.writer.books
    assert books is not None
    record.measure(
        Measurement("frames that the steady one missed", "frames", steady.missed or 0, exactly=0),
        Measurement("frames that the ring dropped", "frames", books["ring_dropped"], exactly=0),
        Measurement("frames that the steady one got", "frames", steady.received, exactly=steady.written),
    )


@pytest.mark.timed
@pytest.mark.ring
def test_a_camera_streamer_that_is_held_up_goes_on_where_it_was(rig: Rig, record: RecordedTest) -> None:
    """A camera-streamer that is stopped for a moment, as on a machine that swaps, is not taken for dead; pictures
    that it could not take from the camera are counted, and the books balance.

    Would catch: readers that give up a living writer, pictures that vanish uncounted between driver and encoder.
    """
    faults = [Fault(1, "stop_writer"), Fault(3, "continue_writer")]
    result = rig.run("c c", 5, faults=faults)
    wrong = put_on_record(record, result)
    [life] = result.writer.lives
    assert life.summary is not None
    lost = int(life.summary["camera"].get("lost", 0))
    told = sum(int((one.events["error"] == errno.EOWNERDEAD).sum()) for each in result.consumers for one in each.lives)
    after = int((result.consumers[0].received["awake_ns"] > result.faults[1].at_ns).sum())
    least = 1 if rig.camera.v4l2 else 0  # other sources wait with their pictures
    record.measure(
        # A camera that a busy machine slows down may not fill all buffers meanwhile.
        Measurement("pictures that the driver had nowhere to put", "pictures", lost, at_least=least, timed=True),
        Measurement("times that readers were told it was dead", "times", told, exactly=0),
        Measurement("frames that a reader got afterwards", "frames", after, at_least=1),
    )
    assert wrong == []


@pytest.mark.ring
def test_what_does_not_fit_is_refused_and_counted(rig: Rig, record: RecordedTest) -> None:
    """Frames larger than a slot are refused and counted, in books and ledger alike, and no reader sees any of them.

    Would catch: a frame that is cut to the slot, a refusal that ends the stream, or one that is not counted.
    """
    writer = rig.camera.writer(rig.board, "codec=jpeg", "encoder=mjpeg", "quality=95", "slot=1k")
    result = rig.run("c", 2, writer=writer)
    wrong = put_on_record(record, result)
    [books] = result.writer.books
    assert books is not None
    refused = int((result.writer.written["result"] == 1).sum())
    record.measure(
        Measurement("frames refused", "frames", books["refused"], at_least=1),
        Measurement("frames refused, by the ledger", "frames", refused, exactly=books["refused"]),
        Measurement(
            "frames that the reader got", "frames", len(result.consumers[0].received), exactly=books["written"]
        ),
    )
    assert wrong == []


@pytest.mark.timed
@pytest.mark.ring
def test_an_encoder_that_is_too_slow_gives_up_pictures_and_counts_every_one(rig: Rig, record: RecordedTest) -> None:
    """At the camera's highest rate, an encoder that is far too slow gives up the pictures that it has no time for,
    each of them is counted, and the camera is not slowed down.

    Would catch: a queue before the encoder that grows, a camera that waits for it, a picture that is lost uncounted.
    """
    fps = rig.camera.highest_fps(rig.board)
    writer = replace(rig.camera.writer(rig.board, fps=fps), encode_ms=round(1000 * TOO_SLOW / fps))
    result = rig.run("c c", rig.time_s(8), writer=writer)
    wrong = put_on_record(record, result)
    [books] = result.writer.books
    [life] = result.writer.lives
    assert books is not None and life.summary is not None
    record.measure(Measurement("pictures given up", "pictures", books["encoder_dropped"], at_least=1))
    numbers, capture_ns = (life.written[name] for name in ("v4l2_sequence", "capture_ns"))
    if numbers[0] >= 0:  # the camera numbers its pictures
        steps = numpy.diff(numbers)
        missing = int((steps[steps > 1] - 1).sum())
        camera = life.summary["camera"]
        counted = books["encoder_dropped"] + books["source_error"] + camera.get("lost", 0)
        # Numbers do not show what was dropped before the first one, nor where the driver makes them jump, nor a picture
        # that was given up and has its neighbour's number.
        untold = int(numbers[0]) + camera.get("jumps", 0)
        repeats = camera.get("repeats", 0)
        rate, deviation = steady_rate(capture_ns, numbers)
        name = "pictures missing by the camera's numbers"
        record.measure(
            Measurement(name, "pictures", missing, at_least=counted - untold - repeats, at_most=counted + untold),
            Measurement("numbers that the driver gave twice", "pictures", repeats),
            Measurement("rate of the camera", "1/s", rate),
            rig.board.measurement("rate.deviation_share", "deviation of any third of the run", deviation),
        )
    assert wrong == []
