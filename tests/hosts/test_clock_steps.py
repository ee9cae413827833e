# SPDX-License-Identifier: Apache-2.0
"""A wall clock that is set while somebody watches: an event in the log, and a plot whose times stay in order."""

import itertools
import json
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from vshm import Camera, vshm
from watch_logs import WATCH, event, lines_of, second, written

from hosts import CLOCK_STEPS_BACK, CLOCK_STEPS_FORWARD, Host, on
from vshm_ctypes.cli.events import Clocks, clock_events
from vshm_ctypes.cli.plot.log import Log, read_log
from vshm_ctypes.cli.plot.times import CLOCK_WAS_SET
from vshm_ctypes.cli.plot.verb import sketch

YEARS_S = 946_080_000
THEN = Clocks(wall=1000.0, monotonic=50.0, boot=70.0)


def in_order(times: Iterable[float]) -> bool:
    return all(first < then for first, then in itertools.pairwise(times))


@pytest.mark.parametrize(
    ("now", "texts", "step_s"),
    [
        (Clocks(1001.0, 51.0, 71.0), [], 0),
        (Clocks(1001.2, 51.0, 71.0), [], 0),
        (Clocks(4601.0, 51.0, 71.0), ["the wall clock was set forward by 60 min"], 3600),
        (Clocks(1.0, 51.0, 71.0), ["the wall clock was set back by 16.7 min"], -1000),
        (Clocks(1101.0, 51.0, 171.0), ["the machine slept for 100 s"], 0),
        (
            Clocks(1001.0, 51.0, 171.0),
            ["the machine slept for 100 s", "the wall clock was set back by 100 s"],
            -100,
        ),
    ],
)
def test_a_step_of_the_clock_is_told_from_sleep(now: Clocks, texts: list[str], step_s: float) -> None:
    events = list(clock_events(THEN, now))
    assert [one.text for one in events] == texts
    assert {one.event for one in events} <= {"clock"}
    assert sum(one.step_s for one in events) == step_s


@pytest.mark.parametrize(("host", "step_s"), [(CLOCK_STEPS_BACK, -3600), (CLOCK_STEPS_FORWARD, YEARS_S)])
def test_a_watch_logs_a_clock_that_is_set_and_its_plot_stays_in_order(
    ring: str, tmp_path: Path, host: Host, step_s: float
) -> None:
    log = tmp_path / "watch.log"
    stepping = replace(host, environment={"STEP_WHEN": str(log)})
    with Camera(ring, fps=50):
        outcome = on(stepping, *WATCH, ring, "-t", "2", "--json", "--log", str(log))
    shown = [json.loads(line) for line in outcome.stdout.splitlines()][:-1]
    assert all(0 <= second["fps"] < math.inf for second in shown), outcome.stderr
    lines = lines_of(log)
    assert in_order(line["monotonic"] for line in lines if "event" not in line)
    assert [line.get("first") for line in lines] == [True, *[None] * (len(lines) - 1)]
    (step,) = [line for line in lines if line.get("event") == "clock"]
    assert step["step_s"] == pytest.approx(step_s, abs=0.5)
    told = read_log(log)
    assert in_order(told.times)
    assert told.times[-1] - told.times[0] < 60
    (clock,) = [one for one in told.events if one.event == "clock"]
    assert told.times[0] - 2 < clock.time < told.times[-1] + 2
    assert CLOCK_WAS_SET in sketch(told, 100)


def watch(begin: float, monotonic: float, count: int, **first: Any) -> list[dict[str, Any]]:
    lines = [second(begin + n, monotonic=monotonic + n) for n in range(count)]
    lines[0] |= {"first": True} | first
    return lines


def read(path: Path, *lines: object) -> Log:
    return read_log(written(path, *lines))


def test_a_board_that_woke_up_in_1970_is_put_where_it_was(tmp_path: Path) -> None:
    gap = event(13.5) | {"monotonic": 13.5}
    late = event(2e9 + 0.2, "gap", "after the step, told before it") | {"monotonic": 14.2}
    step = event(2e9 + 1, "clock", "set") | {"monotonic": 15.0, "step_s": 2e9 - 14}
    log = read(tmp_path / "log", *watch(10, 10, 4), gap, late, step, *watch(2e9 + 1, 15, 5)[1:])
    assert list(log.times) == [2e9 - 4, 2e9 - 3, 2e9 - 2, 2e9 - 1, *(2e9 + 2 + n for n in range(4))]
    assert [one.time for one in log.events] == pytest.approx([2e9 - 0.5, 2e9 + 0.2, 2e9 + 1])
    assert log.moved == 4


def test_a_step_of_one_watch_does_not_move_the_one_before(tmp_path: Path) -> None:
    step = event(5000.0, "clock", "set") | {"monotonic": 4.0, "step_s": 1000.0}
    log = read(tmp_path / "log", *watch(1000, 900, 3), *watch(3996, 0, 4), step, *watch(5001, 5, 2)[1:])
    assert list(log.times)[:3] == [1000, 1001, 1002]
    assert list(log.times)[3:] == [4996, 4997, 4998, 4999, 5002]


def test_clocks_that_were_set_back_without_a_word_do_not_turn_the_plot_round(tmp_path: Path) -> None:
    log = read(tmp_path / "log", second(5000.0), second(5001.0), second(10.0), event(11.0), second(11.0), second(12.5))
    assert list(log.times) == [5000, 5001, 5002, 5003, 5004.5]
    assert [one.time for one in log.events] == [5003]
    assert log.moved == 3


def test_a_log_without_steps_keeps_its_times(tmp_path: Path) -> None:
    log = read(tmp_path / "log", *watch(1000.123, 5, 3), event(1003.5), *watch(2000.5, 5, 2))
    assert list(log.times) == [1000.123, 1001.123, 1002.123, 2000.5, 2001.5]
    assert (log.moved, log.events[0].time) == (0, 1003.5)
    outcome = vshm("plot", str(tmp_path / "log"), "--json")
    assert (outcome.json["moved"], outcome.json["events"][0]["monotonic"]) == (0, None)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300, "much"])
def test_a_step_that_is_none_is_left_out(tmp_path: Path, value: object) -> None:
    log = read(tmp_path / "log", second(1.0), event(1.5, "clock") | {"step_s": value}, second(2.0, fps=math.inf))
    assert (list(log.times), log.events, log.unreadable) == ([1.0], [], 2)
