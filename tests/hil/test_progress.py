# SPDX-License-Identifier: Apache-2.0
"""How long a run still takes is told from what has ended, an earlier run, and the stream of the test of now."""

from pathlib import Path

import pytest

from hil.report import recorder as recording
from hil.report.progress import Progress
from hil.report.recorder import Recorder


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    recorder = Recorder(tmp_path, "bench")
    recorder.planned(["soak", "other"])
    return recorder


def seen(folder: Path, expected_s: dict[str, float]) -> Progress:
    with Progress(folder, "bench", expected_s) as progress:
        return progress


def left_s(folder: Path, expected_s: dict[str, float]) -> float:
    return seen(folder, expected_s).left_s()


def test_a_test_takes_as_long_as_in_the_earlier_run(tmp_path: Path, recorder: Recorder) -> None:
    recorder.test("soak", "It lasts.")
    assert left_s(tmp_path, {"soak": 40, "other": 7}) == 47


def test_of_a_long_stream_so_much_is_left_as_has_not_passed(tmp_path: Path, recorder: Recorder) -> None:
    """An hour would else be told as what the other tests take on average."""
    recorder.test("soak", "It lasts.")
    recorder.stream(600, 3600)
    progress = seen(tmp_path, {"soak": 40, "other": 7})
    assert (progress.left_s(), progress.spent_s()) == (3007, 600)


def test_a_stream_whose_test_has_ended_is_over(tmp_path: Path, recorder: Recorder) -> None:
    with_stream = recorder.test("soak", "It lasts.")
    recorder.stream(600, 3600)
    with_stream.outcome("passed")
    with_stream.save()
    progress = seen(tmp_path, {"other": 7})
    assert progress.left_s() == 7
    assert progress.spent_s() < 600


def test_the_stream_is_told_now_and_then_and_the_next_one_at_once(tmp_path: Path, recorder: Recorder) -> None:
    recorder.test("soak", "It lasts.")
    recorder.stream(recording.STREAM_TOLD_EVERY_S, 100)
    recorder.stream(recording.STREAM_TOLD_EVERY_S * 1.5, 100)
    assert left_s(tmp_path, {"other": 0}) == 95
    recorder.stream(0.1, 30)
    assert left_s(tmp_path, {"other": 0}) == 29.9
