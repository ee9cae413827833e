# SPDX-License-Identifier: Apache-2.0
"""A histogram of latencies in bounded memory, exact to two percent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

_STEP = math.log(1.02)


class Latencies:
    """Counts latencies by the nearest power of 1.02 ns."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def __len__(self) -> int:
        return self._counts.total()

    def add(self, latency_ns: int) -> None:
        """Add a latency. Less than 1 ns counts as 1 ns: the clocks of two processors may differ by that."""
        self._counts[round(math.log(max(latency_ns, 1)) / _STEP)] += 1

    def merge(self, other: Latencies) -> None:
        """Add all latencies of another histogram."""
        self._counts.update(other._counts)

    def percentile_s(self, percent: float) -> float | None:
        """Return the percentile in seconds, or None if there are no latencies."""
        rank = math.ceil(len(self) * percent / 100)
        for step in sorted(self._counts):
            rank -= self._counts[step]
            if rank <= 0:
                return math.exp(step * _STEP) / 1e9
        return None

    def histogram(self) -> Iterator[tuple[float, int]]:
        """Yield (latency in seconds, count), the shortest first."""
        for step in sorted(self._counts):
            yield math.exp(step * _STEP) / 1e9, self._counts[step]
