# SPDX-License-Identifier: Apache-2.0
"""The statistics of all comparisons: percentiles of times, and medians with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy
import numpy.typing

CONFIDENCE = 0.95
RESAMPLES = 4999

Values = Sequence[float] | numpy.typing.NDArray[numpy.float64]


class Interval(NamedTuple):
    """A median, and the ends of its interval with confidence CONFIDENCE."""

    middle: float
    low: float
    high: float


def median_interval(values: Values, seed: int = 0) -> Interval:
    """Return the median of values, with an interval by bootstrap (percentile method).

    The same values and seed always give the same interval. Raises ValueError for fewer than two values.
    """
    from scipy import stats  # slow to import

    if len(values) < 2:
        raise ValueError(f"{len(values)} samples have no interval")
    array = numpy.asarray(values)
    result = stats.bootstrap(
        (array,),
        numpy.median,
        confidence_level=CONFIDENCE,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=numpy.random.default_rng(seed),
    )
    low, high = result.confidence_interval
    return Interval(float(numpy.median(array)), float(low), float(high))


def percentile_us(times_ns: Sequence[int], percent: float) -> float | None:
    """Return the percentile of times, in microseconds, or None if there are none."""
    return float(numpy.percentile(times_ns, percent)) / 1e3 if len(times_ns) else None
