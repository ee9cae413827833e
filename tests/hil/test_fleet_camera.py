# SPDX-License-Identifier: Apache-2.0
"""Fleets on camera-streamer: its ledger and books against what consumers got."""

import signal
from dataclasses import replace

import numpy
import pytest

from hil.fleet import CameraStreamer, Consumer, Fault, Fleet, FleetError, FleetResult
from hil.workers.records import accepted

CAMERA = CameraStreamer("testsrc:320x240@30", "encoder=libx264,gop=10")


def run(words: str, seconds: float, camera: CameraStreamer = CAMERA, **options: object) -> FleetResult:
    consumers = [Consumer.parse(word) for word in words.split()]
    with Fleet(camera, consumers, seconds, **options) as fleet:  # type: ignore[arg-type]
        return fleet.run()


def wrong(result: FleetResult) -> list[object]:
    return [
        *(found for _, account in result.accounts() for found in account.findings),
        *result.frame_book().imbalances(),
    ]


def test_every_picture_of_the_camera_is_accounted_for_at_every_consumer() -> None:
    result = run("c example borrow@decoding recorder", 1.5)
    assert wrong(result) == []
    written = accepted(result.writer.written)
    assert result.frame_book().camera_gaps == 0
    assert (written["v4l2_sequence"] >= 0).all()
    assert len(written) > 20
    for consumer in result.consumers:
        assert (consumer.received["number"][-1]) == written["number"][-1]
    decoding = result.consumers[2].lives[0].closing
    assert decoding is not None and decoding["decoded"] > 10


def test_a_camera_that_is_killed_and_comes_again_is_accounted_for() -> None:
    faults = [Fault(0.5, "kill_writer"), Fault(0.8, "start_writer")]
    result = run("c for", 3, faults=faults)
    assert wrong(result) == []
    assert [life.code for life in result.writer.lives] == [-signal.SIGKILL, 0]
    assert result.writer.books[0] is None and result.writer.books[1] is not None
    assert (result.consumers[0].received["awake_ns"] > result.faults[1].at_ns).any()


def test_a_camera_that_is_not_there_is_told_with_its_last_words() -> None:
    with pytest.raises(FleetError, match="testsrc, or testsrc:WIDTHxHEIGHT@FPS"):
        run("c", 1, CameraStreamer("testsrc:none"))


def test_an_encoder_that_is_too_slow_gives_up_pictures_and_each_is_counted() -> None:
    result = run("c", 1.5, replace(CAMERA, encode_ms=100))
    assert wrong(result) == []
    [books] = result.writer.books
    assert books is not None
    numbers = accepted(result.writer.written)["v4l2_sequence"]
    assert books["encoder_dropped"] >= (numpy.diff(numbers) - 1).sum() >= 20
    assert books["captured"] == books["encoder_dropped"] + len(numbers)
