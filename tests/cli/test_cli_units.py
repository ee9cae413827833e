# SPDX-License-Identifier: Apache-2.0
"""Figures as people read them."""

import pytest

from vshm_ctypes.cli import units


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, "-"),
        (99.5e-6, "99.5 us"),
        (999.7e-6, "1 ms"),
        (0.9994, "999 ms"),
        (0.9997, "1 s"),
        (119.2, "119 s"),
        (600, "10 min"),
        (7199, "2 h"),
        (36000, "10 h"),
    ],
)
def test_a_time_span_is_told_in_three_digits_of_the_unit_that_suits_it(seconds: float | None, told: str) -> None:
    assert units.seconds(seconds) == told
