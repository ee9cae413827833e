# SPDX-License-Identifier: Apache-2.0
"""Simulates many sessions from the groups of one, to see what the stopping rule would have said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .metrics import TIMED
from .sequential import Decision, Ruling
from .session import LOOKS

MARGINS = {metric.name: metric.margin for metric in TIMED}


def by_group(samples: Mapping[str, Sequence[float]]) -> dict[str, np.ndarray]:
    """Return the samples with a row for each group. The metric with the fewest has one sample in each."""
    groups = min((len(values) for values in samples.values()), default=0)
    counts = {name: len(values) // groups if groups else 0 for name, values in samples.items()}
    return {name: np.reshape(values[: counts[name] * groups], (groups, -1)) for name, values in samples.items()}


def play(samples: Mapping[str, np.ndarray], picks: np.ndarray, signs: np.ndarray) -> dict[str, Ruling]:
    """Play a session of those groups, in that order, with A and B exchanged where the sign is -1."""
    chosen = {name: groups[picks] * signs[:, np.newaxis] for name, groups in samples.items()}
    decision = Decision({name: MARGINS[name] for name in samples})
    for look in LOOKS:
        decision.look({name: groups[: round(look * len(picks))].ravel() for name, groups in chosen.items()}, look)
        if decision.is_clear:
            break
    return decision.rulings


def false_alarms(samples: Mapping[str, Sequence[float]], length: int, count: int, seed: int = 0) -> int:
    """Return in how many of count sessions of length groups something was called worse, with permuted labels.

    Each session is a run of consecutive groups, so that drift is kept. Raises ValueError if there are fewer than
    length.
    """
    of_groups = by_group(samples)
    groups = min(map(len, of_groups.values()), default=0)
    if groups < length:
        raise ValueError(f"{groups} groups are fewer than the {length} of a session")
    chance, found = np.random.default_rng(seed), 0
    for _ in range(count):
        begin = int(chance.integers(0, groups - length + 1))
        signs = chance.choice((-1.0, 1.0), size=length)
        found += Ruling.WORSE in play(of_groups, np.arange(begin, begin + length), signs).values()
    return found


def alone(name: str, samples: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    """Return the samples with all metrics but one set to even."""
    return {other: values if other == name else [0.0] * len(values) for other, values in samples.items()}


def power(samples: Mapping[str, Sequence[float]], length: int, count: int, seed: int = 0) -> float:
    """Return the share of count sessions of length groups, drawn with replacement, that call something worse."""
    of_groups = by_group(samples)
    groups = min(map(len, of_groups.values()), default=0)
    chance, found = np.random.default_rng(seed), 0
    for _ in range(count):
        picks = chance.integers(0, groups, size=length)
        found += Ruling.WORSE in play(of_groups, picks, np.ones(length)).values()
    return found / count
