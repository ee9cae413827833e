# SPDX-License-Identifier: Apache-2.0
"""What is said of a figure: by its limits, and by whether the host was fit."""

import math
from typing import Any

import pytest

from hil.figures.measurement import Measurement
from hil.figures.verdict import FIT, Fitness, Verdict, worst

UNFIT = Fitness(("the host stood still for 80 ms",))
UNPROVEN = Fitness(proven=False)


@pytest.mark.parametrize(
    ("limits", "value", "expected"),
    [
        ({"at_most": 1000}, 1000, Verdict.PASS),
        ({"at_most": 1000}, 1000.5, Verdict.FAIL),
        ({"at_least": 29.7}, 29.7, Verdict.PASS),
        ({"at_least": 29.7}, 29.6, Verdict.FAIL),
        ({"exactly": 0}, 0, Verdict.PASS),
        ({"exactly": 0}, 1, Verdict.FAIL),
        ({"exactly": 0}, -1, Verdict.FAIL),
        ({"at_least": 1, "at_most": 2}, 0.5, Verdict.FAIL),
        ({"at_least": 1, "at_most": 2}, 2.5, Verdict.FAIL),
        ({}, 1e9, Verdict.PASS),
    ],
)
@pytest.mark.parametrize("timed", [False, True])
def test_a_figure_is_held_against_its_limits(
    limits: dict[str, Any], value: float, expected: Verdict, timed: bool
) -> None:
    assert Measurement("figure", "us", value, timed=timed, **limits).verdict(FIT) is expected


@pytest.mark.parametrize("value", [1, 1000])
def test_a_time_on_an_unfit_host_says_nothing_in_either_direction(value: float) -> None:
    assert Measurement("latency", "us", value, at_most=10, timed=True).verdict(UNFIT) is Verdict.INVALID


def test_no_host_excuses_what_does_not_depend_on_time() -> None:
    # Were it INVALID, a torn frame on a busy runner would stay green.
    assert Measurement("torn", "frames", 1, exactly=0).verdict(UNFIT) is Verdict.FAIL
    assert Measurement("torn", "frames", 0, exactly=0).verdict(UNFIT) is Verdict.PASS


@pytest.mark.parametrize(
    ("limits", "value", "expected"),
    [
        ({"at_most": 10}, 10, Verdict.PASS),
        ({"at_most": 10}, 10.5, Verdict.INVALID),
        ({"at_most": 10}, 100, Verdict.INVALID),
        ({"at_most": 10}, 100.5, Verdict.FAIL),
        ({"at_least": 10}, 10, Verdict.PASS),
        ({"at_least": 10}, 1, Verdict.INVALID),
        ({"at_least": 10}, 0.9, Verdict.FAIL),
        ({"at_most": 0}, 1, Verdict.INVALID),
        ({}, 1e9, Verdict.PASS),
    ],
)
def test_another_kind_of_machines_limit_proves_nothing_unless_far_beyond(
    limits: dict[str, Any], value: float, expected: Verdict
) -> None:
    assert Measurement("latency", "us", value, timed=True, **limits).verdict(UNPROVEN) is expected
    untimed = Measurement("torn", "frames", value, **limits).verdict(UNPROVEN)
    assert untimed is (Verdict.PASS if expected is Verdict.PASS else Verdict.FAIL)


@pytest.mark.parametrize(
    ("value", "limits"),
    [
        (math.nan, {"at_most": 1}),
        (math.inf, {}),
        (0, {"at_most": math.nan}),
        (0, {"exactly": 0, "at_most": 1}),
        (0, {"at_least": 2, "at_most": 1}),
    ],
)
def test_what_is_no_figure_or_no_limit_is_refused(value: float, limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="latency"):
        Measurement("latency", "us", value, **limits)


def test_a_failure_outweighs_a_doubt_and_a_doubt_a_pass() -> None:
    assert worst([Verdict.PASS, Verdict.INVALID, Verdict.FAIL]) is Verdict.FAIL
    assert worst([Verdict.PASS, Verdict.INVALID]) is Verdict.INVALID
    assert worst([Verdict.PASS]) is Verdict.PASS
    assert worst([]) is Verdict.PASS
