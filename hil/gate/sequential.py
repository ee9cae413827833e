# SPDX-License-Identifier: Apache-2.0
"""The decision: which metrics are worse, by paired log ratios that come in one by one, with known error rates.

A sample is of one group of blocks: the log of candidate over baseline, above 0 where the candidate is worse. They come
in turns of A B B A, so that a drift that is even cancels out; of what needs it least, there is A B in one group and B A
in the next. If both libraries are the same, a sample is as likely to be as far
above 0 as below, whatever the distribution; that is all that Wilcoxon's signed-rank test asks for, so heavy tails can't
make false alarms. It is asked of each metric, at each look:

- worse: is the ratio beyond the margin? The chance to say so of any metric at any look, though nothing has changed, is
  at most FALSE_ALARM. Holm's correction shares it among the metrics: one false alarm among many stops a merge just as
  well as one alone, so it is the chance of any that has to be kept, and Holm keeps it however the metrics depend on
  each other, as p50 and p99 do.
- same: is it within the margin? At MISS for each metric, uncorrected, since only all of them together let a candidate
  pass, and that is no easier than the hardest of them.

The looks share each of these by an alpha-spending function of Lan and DeMets, the one of Pocock's type: a gross
regression ends the session early. What each look may spend is its own, so their sum is the bound, whatever the
dependence between looks.
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

FALSE_ALARM = 0.008  # of the 0.01 that the gate promises; the rest is for what is counted
MISS = 0.05
EXACT_SAMPLES = 50
LEAST_SAMPLES = 6  # with fewer nothing can be said at these levels
RANK_EFFICIENCY = 3 / math.pi  # of signed ranks against means, where the samples are normal
NORMAL_MAD = 1.4826


class Ruling(enum.StrEnum):
    """What is said of a metric."""

    WORSE = "worse"
    SAME = "same"
    UNDECIDED = "undecided"


class Interval(NamedTuple):
    """The median ratio, and where it lies with 95 % confidence: candidate over baseline, above 1 where it is worse."""

    ratio: float
    low: float
    high: float


def spent(alpha: float, fraction: float) -> float:
    """How much of alpha may be used up after that share of the session."""
    return alpha * math.log(1 + (math.e - 1) * min(max(fraction, 0.0), 1.0))


def holm(p_values: Mapping[str, float], level: float) -> set[str]:
    """Which hypotheses are rejected, the chance of any false rejection being at most level."""
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
    """Of each metric against its bound. Those that are as long, and alike in having ties, go through the test at once,
    which takes a fraction of the time. With ties, or many samples, it is the normal approximation: its tails are
    thicker than the exact ones."""
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
    """Takes looks at growing samples. margins: of each metric, the share by which it may be worse."""

    margins: Mapping[str, float]
    rulings: dict[str, Ruling] = field(init=False)
    _fraction: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.rulings = dict.fromkeys(self.margins, Ruling.UNDECIDED)

    def look(self, samples: Mapping[str, Samples], fraction: float) -> dict[str, Ruling]:
        """What is to be said after that share of the session. A ruling stays, but that what was same can still turn
        out worse. Raises ValueError where the fraction does not grow."""
        if not self._fraction < fraction <= 1:
            raise ValueError(f"a look after {fraction} of the session, the last one after {self._fraction}")
        for_worse, for_same = (spent(alpha, fraction) - spent(alpha, self._fraction) for alpha in (FALSE_ALARM, MISS))
        self._fraction = fraction
        bounds = {name: math.log1p(margin) for name, margin in self.margins.items()}
        enough = {name: samples[name] for name in self.margins if len(samples.get(name, ())) >= LEAST_SAMPLES}
        for name, p_value in _p_values(enough, bounds, "less").items():
            if p_value <= for_same and self.rulings[name] is Ruling.UNDECIDED:
                self.rulings[name] = Ruling.SAME
        # Holm among all metrics, also those without samples: how many there are is settled before the session.
        for name in holm(dict.fromkeys(self.margins, 1.0) | _p_values(enough, bounds, "greater"), for_worse):
            self.rulings[name] = Ruling.WORSE
        return dict(self.rulings)

    @property
    def is_clear(self) -> bool:
        """Nothing more can come of it: something is worse, or all are same."""
        found = set(self.rulings.values())
        return Ruling.WORSE in found or found == {Ruling.SAME}

    def samples_needed(self, samples: Samples, name: str) -> float:
        """How many an undecided metric would need if the rest is like these; infinite: it lies on its margin."""
        values = np.asarray(samples)
        middle, bound = float(np.median(values)), math.log1p(self.margins[name])
        spread = max(NORMAL_MAD * float(stats.median_abs_deviation(values)), 1e-9)
        if abs(middle - bound) < spread / math.sqrt(len(values)) / 10:
            return math.inf
        level = FALSE_ALARM / len(self.margins) if middle > bound else MISS
        quantiles = stats.norm.isf(level / 4) + stats.norm.isf(MISS)  # a look has a part of the level, about a quarter
        return max(len(values) + 1.0, float((quantiles * spread / (middle - bound)) ** 2) / RANK_EFFICIENCY)
