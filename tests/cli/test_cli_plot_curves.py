# SPDX-License-Identifier: Apache-2.0
"""vshm plot draws every second of a short log, an outage as a gap, and an outlier so that the rest is still seen."""

import math

import pytest

from vshm_ctypes.cli.plot.log import Log, thin

pytest.importorskip("matplotlib")
from vshm_ctypes.cli.plot.picture import STRETCHES, _figure

BEGIN = 1_700_000_000.0


def log_of(times: list[float], latency_s: dict[int, float] | None = None) -> Log:
    log = Log()
    for number, time in enumerate(times):
        latency = (latency_s or {}).get(number, 0.002)
        log.add({"time": BEGIN + time, "ring": "/a", "fps": 30.0, "latency_s": {"50": latency, "99": latency}})
    return log


def test_a_short_log_is_drawn_second_by_second() -> None:
    log = log_of([float(second) for second in range(24)])
    curve = thin(log.times, log.columns["frame rate"], STRETCHES)
    assert (len(curve.times), curve.mean) == (24, [30.0] * 24)


@pytest.mark.parametrize("stretches", [STRETCHES, 40])
def test_an_outage_is_a_gap(stretches: int) -> None:
    log = log_of([*map(float, range(30)), *map(float, range(60, 90))])
    curve = thin(log.times, log.columns["frame rate"], stretches)
    gap = [time - BEGIN for time, value in zip(curve.times, curve.mean, strict=True) if math.isnan(value)]
    assert gap
    assert all(29 < time < 60 for time in gap)


def test_an_outlier_does_not_flatten_the_rest() -> None:
    figure = _figure(log_of([float(second) for second in range(60)], {30: 2.0}))
    (axes,) = [axes for axes in figure.axes if axes.get_title("left") == "latency, ms"]
    assert axes.get_ylim()[1] < 10
    assert "up to 2000" in axes.get_title("right")
    assert [one.get_gid() for one in axes.collections].count("clipped") == 1
    steady = _figure(log_of([float(second) for second in range(60)]))
    assert all(not axes.get_title("right") for axes in steady.axes)
