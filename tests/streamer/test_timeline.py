# SPDX-License-Identifier: Apache-2.0
"""When what a file has is due, by times as no muxer writes them and cameras' own programs do."""

import pytest
from own_clock import Clock

from hil.streamer.sources.timeline import BEHIND_S, GAP_S, Pace, Timeline

STEP_S = 0.04


@pytest.fixture
def clock() -> Clock:
    return Clock()


def play(pace: Pace, clock: Clock, times: list[float | None], length_s: float = 0.0) -> list[float]:
    """Return when each frame was handed out, in seconds since the clock's start."""
    found = []
    for time_s in times:
        while not pace.wait(due_s := pace.place(time_s), 0.1):
            pass
        pace.took(due_s, length_s)
        assert pace.capture_ns(due_s) <= round(clock() * 1e9)
        found.append(round(pace.capture_ns(due_s) / 1e9 - 5000, 3))
    return found


def even(count: int, begin: int = 0) -> list[float | None]:
    return [number * STEP_S for number in range(begin, begin + count)]


@pytest.mark.parametrize(
    "times",
    [
        [None if at % 5 == 4 else at * STEP_S for at in range(20)],
        [None] * 20,
        [at // 2 * 2 * STEP_S for at in range(20)],
        [7.0] * 20,
        [(at - 3 if at == 8 else at) * STEP_S for at in range(20)],
        [(at % 10) * STEP_S for at in range(20)],
        [at * STEP_S + (0 if at < 10 else 20_000) for at in range(20)],
        [at * STEP_S - (0 if at < 10 else 20_000) for at in range(20)],
        [-at * STEP_S for at in range(20)],
    ],
    ids=[
        "some missing",
        "none",
        "pairs",
        "all the same",
        "one step back",
        "twice",
        "far ahead",
        "far back",
        "backwards",
    ],
)
def test_times_that_are_no_use_are_made_up_for(clock: Clock, times: list[float | None]) -> None:
    pace = Pace(Timeline(clock, clock.sleep), STEP_S)
    assert play(pace, clock, times) == pytest.approx([at * STEP_S for at in range(20)], abs=0.001)


def test_steps_that_are_uneven_are_kept(clock: Clock) -> None:
    times = [10.0, 10.01, 10.5, 10.51, 15.0, 15.0 + GAP_S, 15.001 + GAP_S]
    pace = Pace(Timeline(clock, clock.sleep), STEP_S)
    assert play(pace, clock, [*times]) == pytest.approx([time_s - 10 for time_s in times], abs=0.001)


def test_who_can_not_keep_up_goes_on_from_now(clock: Clock) -> None:
    pace = Pace(Timeline(clock, clock.sleep), STEP_S)
    assert play(pace, clock, even(2)) == [0, STEP_S]
    clock.sleep(BEHIND_S + 2)
    late_s = clock() - 5000
    assert play(pace, clock, even(2, 2)) == pytest.approx([late_s, late_s + STEP_S])


def test_streams_that_share_a_timeline_keep_their_distance(clock: Clock) -> None:
    timeline = Timeline(clock, clock.sleep)
    pictures, sound = Pace(timeline, STEP_S), Pace(timeline, 0.02)
    assert pictures.place(3600.5, 3600.0) == 5000.5
    assert sound.place(3600.0, 3600.0) == 5000.0
    pictures.took(5000.5, STEP_S)
    sound.took(5000.0, 0.02)
    # The sound is silent for a minute: it stays silent for as long as the pictures go on.
    assert sound.place(3660.0) == 5060.0
    assert pictures.place(3600.54) == pytest.approx(5000.54)
    pictures.took(5000.54, STEP_S)
    # Both are before a gap: that is one in the times.
    pictures.took(5001.0, STEP_S)
    assert sound.place(9000.03) == pytest.approx(10400.03)
    assert pictures.place(9000.0) == pytest.approx(5001.04)
    assert sound.place(9000.03) == pytest.approx(5001.07)


def test_streams_that_share_a_timeline_go_back_together(clock: Clock) -> None:
    timeline = Timeline(clock, clock.sleep)
    pictures, sound = Pace(timeline, STEP_S), Pace(timeline, 0.02)
    for pace in (pictures, sound):
        pace.took(pace.place(100.0, 100.0), STEP_S)
    assert pictures.place(20.0) == pytest.approx(5000.04)
    assert sound.place(20.01) == pytest.approx(5000.05)


def test_rounds_begin_together_and_one_that_is_alone_waits_for_nobody(clock: Clock) -> None:
    timeline = Timeline(clock, clock.sleep)
    pictures, sound = Pace(timeline, STEP_S), Pace(timeline, 0.02)
    pictures.took(pictures.place(0.96, 0.0), STEP_S)
    sound.took(sound.place(2.98, 0.0), 0.02)
    pictures.next_round(least_s=3.0)  # the sound is longer
    assert pictures.place(0.0, 0.0) == 5003.0
    sound.next_round(least_s=3.0)
    assert sound.place(0.1, 0.0) == pytest.approx(5003.1)
    sound.close()
    assert not timeline.is_shared
    pictures.took(5003.0, STEP_S)
    assert pictures.place(500.0) == pytest.approx(5003.04)
