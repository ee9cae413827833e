# SPDX-License-Identifier: Apache-2.0
"""Decides which metrics are worse, from paired log ratios that arrive one by one, with known error rates.

A sample is the log of candidate over baseline in one group of blocks, above 0 if the candidate is worse. Blocks run in
turns of A B B A, so that a steady drift cancels out; for metrics that need this least, there is A B in one group and B
A in the next. If both libraries are the same, a sample is as likely to be as far above 0 as below, whatever the
distribution. Wilcoxon's signed-rank test requires nothing else, so heavy tails can't cause false alarms. Each metric is
tested at each look:

- worse: is the ratio beyond the margin? The chance that this is said of any metric at any look, although nothing has
   changed, is at most FALSE_ALARM. Holm's correction shares it among the metrics: one false alarm among many stops a
   merge just as well as a single one, so the chance of any must be limited, and Holm's correction does so however the
   metrics depend on each other, as p50 and p99 do.
- same: is it within the margin? At MISS for each metric, uncorrected, since a candidate passes only if all of them
   are, and that is no easier than the hardest of them.

The looks share each of these by Lan and DeMets's alpha-spending function of Pocock's type, so that a gross regression
ends the session early. Each look spends a part of its own, so their sum is the bound, whatever the dependence between
looks.
"""

from __future__ import annotations

import enum
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy import stats

from ..figures.statistic import Values as Samples
from ..figures.statistic import median_interval

FALSE_ALARM = 0.008  # of the 0.01 that the gate promises; the rest is for counted metrics
MISS = 0.05
EXACT_SAMPLES = 50
LEAST_SAMPLES = 6  # fewer can't reach these levels
RANK_EFFICIENCY = 3 / math.pi  # of signed ranks compared with means, for normal samples
NORMAL_MAD = 1.4826


class Ruling(enum.StrEnum):
    """What is said of a metric."""

    WORSE = "worse"
    SAME = "same"
    UNDECIDED = "undecided"


class Interval(NamedTuple):
    """The median ratio, and its interval with 95 % confidence: candidate over baseline, above 1 if it is worse."""

    ratio: float
    low: float
    high: float


def spent(alpha: float, fraction: float) -> float:
    """Return how much of alpha may be spent after that fraction of the session."""
    return alpha * math.log(1 + (math.e - 1) * min(max(fraction, 0.0), 1.0))


def holm(p_values: Mapping[str, float], level: float) -> set[str]:
    """Return the rejected hypotheses, with the chance of any false rejection at most level."""
    rejected = set()
    for rank, (name, p_value) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        if p_value > level / (len(p_values) - rank):
            break
        rejected.add(name)
    return rejected


def interval(samples: Samples, seed: int = 0) -> Interval:
    """Return the median ratio of paired log ratios, and its interval. Raises ValueError for fewer than two."""
    return Interval(*map(math.exp, median_interval(samples, seed)))


def _p_values(samples: Mapping[str, Samples], bounds: Mapping[str, float], alternative: str) -> dict[str, float]:
    """Return the p-value of each metric against its bound.

    Metrics of equal length, alike in having ties, are tested at once, which takes a fraction of the time. With ties, or
    many samples, the normal approximation is used, which has thicker tails than the exact distribution.
    """
    alike: dict[tuple[int, bool], list[str]] = defaultdict(list)
    shifted = {name: np.asarray(values) - bounds[name] for name, values in samples.items()}
    for name, values in shifted.items():
        has_ties = len(np.unique(np.abs(values[values != 0]))) < len(values)
        alike[len(values), has_ties or len(values) > EXACT_SAMPLES].append(name)
    found: dict[str, float] = {}
    for (_, approximate), names in alike.items():
        rows = np.stack([shifted[name] for name in names])
        method = "asymptotic" if approximate else "exact"
        tested = stats.wilcoxon(rows, axis=1, alternative=alternative, method=method, correction=approximate)
        found |= zip(names, map(float, tested.pvalue), strict=True)
    return {name: 1.0 if math.isnan(p_value) else p_value for name, p_value in found.items()}  # NaN: all on the bound


@dataclass
class Decision:
    """Takes looks at growing samples. margins: the share by which each metric may be worse."""

    margins: Mapping[str, float]
    rulings: dict[str, Ruling] = field(init=False)
    _fraction: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.rulings = dict.fromkeys(self.margins, Ruling.UNDECIDED)

    def look(self, samples: Mapping[str, Samples], fraction: float) -> dict[str, Ruling]:
        """Return the rulings after that fraction of the session. A ruling stays, except that same may become worse.

        Raises ValueError if the fraction does not grow.
        """
        if not self._fraction < fraction <= 1:
            raise ValueError(f"a look after {fraction} of the session, the last one after {self._fraction}")
        for_worse, for_same = (spent(alpha, fraction) - spent(alpha, self._fraction) for alpha in (FALSE_ALARM, MISS))
        self._fraction = fraction
        bounds = {name: math.log1p(margin) for name, margin in self.margins.items()}
        enough = {name: samples[name] for name in self.margins if len(samples.get(name, ())) >= LEAST_SAMPLES}
        for name, p_value in _p_values(enough, bounds, "less").items():
            if p_value <= for_same and self.rulings[name] is Ruling.UNDECIDED:
                self.rulings[name] = Ruling.SAME
        # Holm's correction is among all metrics, also those without samples: their number is fixed before the session.
        for name in holm(dict.fromkeys(self.margins, 1.0) | _p_values(enough, bounds, "greater"), for_worse):
            self.rulings[name] = Ruling.WORSE
        return dict(self.rulings)

    @property
    def is_clear(self) -> bool:
        """Whether the answer is known: something is worse, or everything is the same."""
        found = set(self.rulings.values())
        return Ruling.WORSE in found or found == {Ruling.SAME}

    def samples_needed(self, samples: Samples, name: str) -> float:
        """Return how many samples an undecided metric would need if the rest are similar; infinite on its margin."""
        values = np.asarray(samples)
        middle, bound = float(np.median(values)), math.log1p(self.margins[name])
        spread = max(NORMAL_MAD * float(stats.median_abs_deviation(values)), 1e-9)
        if abs(middle - bound) < spread / math.sqrt(len(values)) / 10:
            return math.inf
        level = FALSE_ALARM / len(self.margins) if middle > bound else MISS
        quantiles = stats.norm.isf(level / 4) + stats.norm.isf(MISS)  # a look spends about a quarter of the level
        return max(len(values) + 1.0, float((quantiles * spread / (middle - bound)) ** 2) / RANK_EFFICIENCY)
