# SPDX-License-Identifier: Apache-2.0
"""Faults of a V4L2 camera, made by vivid's injector, are survived, counted, and reported to the readers."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hil.streamer.ledger import read_ledger
from hil.suite.streaming import Streamer, pictures_in, streaming, take, take_rest, take_until_break
from vshm_ctypes import Consumer, Flag, Frame

CHANNEL = "320x180@30,slots=240,slot=64k"
MOST_BAD = 30  # damaged buffers in a row: one more than is tolerated


def words(camera: Path, ring: str) -> tuple[str, ...]:
    return ("--device", str(camera), "--channel", f"{ring}:{CHANNEL}")


@contextmanager
def watched(camera: Path, ring: str, *more: str) -> Iterator[tuple[Streamer, Consumer, list[Frame]]]:
    """Stream with a reader of every frame. Afterwards all of its frames must decode, and the counters must balance."""
    with (
        streaming(ring, *words(camera, ring), *more) as streamer,
        Consumer(ring, start="oldest") as reader,
    ):
        frames: list[Frame] = []
        yield streamer, reader, frames
        if not streamer.summary:
            streamer.end()
        frames += take_rest(reader)
        books = streamer.books(ring)
        assert books["imbalance"] is None
        assert len(frames) + reader.stats()[2] == books["written"]
        assert pictures_in(frames) == len(frames)  # after each break comes a keyframe


def test_dropped_buffers_are_counted_by_the_drivers_numbers(vivid: Path, ring: str, tmp_path: Path) -> None:
    """Pictures that the driver drops are counted as lost by its sequence numbers, each of them once.

    Would catch: a gap in the driver's numbers that nobody looks at.
    """
    from hil.suite.vivid import DROPPED_PERCENT, injecting

    ledger = tmp_path / "ledger.jsonl"
    with injecting(vivid) as injector:
        injector.set(DROPPED_PERCENT, 10)
    with watched(vivid, ring, "--ledger", str(ledger)) as (streamer, reader, frames):
        frames += take(reader, 240)
    books, camera = streamer.books(ring), streamer.camera
    numbers = [record.v4l2_sequence for record in read_ledger(ledger)]
    missing = sum(max(after - before - 1, 0) for before, after in itertools.pairwise(numbers))
    assert camera["lost"] > 0.05 * (books["captured"] + camera["lost"])  # on a slow machine far more than a tenth
    untold = camera["jumps"] + numbers[0]
    assert -untold - camera["repeats"] <= missing - camera["lost"] - books["encoder_dropped"] <= untold
    assert not any(frame.discontinuity for frame in frames[1:])  # each picture is encoded independently


def test_a_disconnected_camera_is_opened_again_while_the_ring_stays(vivid: Path, ring: str) -> None:
    """A camera that was unplugged is opened again once it is back, and its ring stays open meanwhile.

    Would catch: a device that is kept open for ever, a new ring for each cable that is loose.
    """
    from hil.suite.vivid import DISCONNECT, injecting

    with watched(vivid, ring) as (streamer, reader, frames):
        frames += take(reader, 10)
        with injecting(vivid) as injector:
            injector.push(DISCONNECT)
            streamer.wait_for_log("not to be opened yet")  # until the injector closes the device too
        frames += take_until_break(reader)
        frames += take(reader, 10)
    assert streamer.camera["unplugged"] == 1
    assert streamer.log.count("it was unplugged; it is opened again") == 1
    assert streamer.log.count("not to be opened yet") == 1
    assert streamer.log.count("it is there again") == 1


def test_a_buffer_with_the_error_flag_is_counted_and_not_encoded(vivid: Path, ring: str) -> None:
    """A buffer that the driver flags as damaged is counted, not encoded, and followed by a discontinuity.

    Would catch: damaged pictures in the stream, a reader that is not told of them.
    """
    from hil.suite.vivid import BUFFER_ERROR, injecting

    with watched(vivid, ring) as (streamer, reader, frames), injecting(vivid) as injector:
        frames += take(reader, 10)
        for _ in range(3):
            injector.push(BUFFER_ERROR)
            frames += take_until_break(reader)
    assert streamer.books(ring)["source_error"] == 3
    assert sum(frame.discontinuity for frame in frames[1:]) == 3
    assert "bad_buffers" not in streamer.camera


def test_thirty_damaged_buffers_in_a_row_reopen_the_camera(vivid: Path, ring: str) -> None:
    """A camera that delivers thirty damaged buffers in a row is opened again.

    Would catch: a camera that delivers nothing but damaged buffers until somebody restarts it.
    """
    from hil.suite.vivid import BUFFER_ERROR, injecting

    with watched(vivid, ring) as (streamer, reader, frames), injecting(vivid) as injector:
        frames += take(reader, 10)
        deadline = time.monotonic() + 30
        while "damaged buffers in a row; it is opened again" not in streamer.child.complaints:
            assert time.monotonic() < deadline
            for _ in range(50):
                injector.push(BUFFER_ERROR)
                time.sleep(0.002)
        frames += take_until_break(reader)
    assert streamer.camera["bad_buffers"] >= 1
    assert streamer.books(ring)["source_error"] >= MOST_BAD


def test_a_fatal_error_and_a_start_that_fails_are_healed(vivid: Path, ring: str) -> None:
    """A camera is opened again after a fatal streaming error, even if its next start fails, too.

    Would catch: an attempt to open it again that is the last one.
    """
    from hil.suite.vivid import FATAL_ERROR, STREAMON_ERROR, injecting

    with watched(vivid, ring) as (streamer, reader, frames), injecting(vivid) as injector:
        frames += take(reader, 10)
        injector.push(FATAL_ERROR)
        frames += take_until_break(reader)
        injector.push(STREAMON_ERROR)
        injector.push(FATAL_ERROR)
        frames += take_until_break(reader)
    assert (streamer.camera["fatal"], streamer.camera["streamon"]) == (2, 1)
    assert streamer.log.count("a fatal streaming error; it is opened again") == 2
    assert streamer.log.count("it does not start (VIDIOC_STREAMON: Invalid argument)") == 1


def test_a_camera_that_fails_to_start_at_first_is_tried_again(vivid: Path, ring: str) -> None:
    """A camera whose first start fails is started again.

    Would catch: a camera-streamer that ends when the camera is not ready yet.
    """
    from hil.suite.vivid import STREAMON_ERROR, injecting

    with injecting(vivid) as injector:
        injector.push(STREAMON_ERROR)
    with watched(vivid, ring) as (streamer, reader, frames):
        frames += take(reader, 10)
    assert streamer.camera["streamon"] == 1


def test_a_camera_that_stalls_is_opened_again(vivid: Path, ring: str) -> None:
    """A camera that delivers nothing for two seconds is opened again.

    Would catch: a driver that is waited for without an end.
    """
    from hil.suite.vivid import DROPPED_PERCENT, injecting

    with watched(vivid, ring) as (streamer, reader, frames), injecting(vivid) as injector:
        frames += take(reader, 10)
        injector.set(DROPPED_PERCENT, 100)
        streamer.wait_for_log("nothing came for 2 s; it is opened again")
        injector.set(DROPPED_PERCENT, 0)
        frames += take_until_break(reader)
    assert streamer.camera["stalled"] >= 1


def test_the_drivers_numbers_may_wrap(vivid: Path, ring: str) -> None:
    """A driver's sequence numbers may wrap around without a picture being counted as lost.

    Would catch: a loss of four thousand million pictures on record.
    """
    from hil.suite.vivid import WRAP_SEQUENCE, injecting

    with injecting(vivid) as injector:
        injector.set(WRAP_SEQUENCE, 1)  # 128 pictures after the start
    with watched(vivid, ring) as (streamer, reader, frames):
        frames += take(reader, 180)
    assert streamer.camera["wraps"] == 1  # and no loss of four thousand million pictures
    assert streamer.camera["lost"] < 200


def test_a_drivers_clock_that_wraps_is_not_believed(vivid: Path, ring: str) -> None:
    """Capture times from a driver's clock that wraps around are replaced by camera-streamer's own.

    Would catch: frames that were captured before the machine was started.
    """
    from hil.suite.vivid import WRAP_TIMESTAMP, injecting

    with injecting(vivid) as injector:
        injector.set(WRAP_TIMESTAMP, 1)
    with watched(vivid, ring) as (streamer, reader, frames):
        frames += take(reader, 60)
    assert streamer.camera["own_times"] == streamer.books(ring)["captured"]
    for frame in frames:
        assert not frame.flags & Flag.CAPTURE_DRIVER
        assert 0 <= frame.publish_ns - frame.capture_ns < 2_000_000_000
