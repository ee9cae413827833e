# SPDX-License-Identifier: Apache-2.0
"""Latencies of any number of frames in bounded memory, to within two percent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

_STEP = math.log(1.02)


class Latencies:
    """Counts latencies in ns by the power of 1.02 they come closest to."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def __len__(self) -> int:
        return self._counts.total()

    def add(self, latency_ns: int) -> None:
        """One more. Below 1 ns counts as 1 ns: clocks of two processors may differ by that."""
        self._counts[round(math.log(max(latency_ns, 1)) / _STEP)] += 1

    def merge(self, other: Latencies) -> None:
        """All of another's."""
        self._counts.update(other._counts)

    def percentile_s(self, percent: float) -> float | None:
        """The latency in seconds that so many percent of the frames do not exceed; None: there are none."""
        rank = math.ceil(len(self) * percent / 100)
        for step in sorted(self._counts):
            rank -= self._counts[step]
            if rank <= 0:
                return math.exp(step * _STEP) / 1e9
        return None

    def histogram(self) -> Iterator[tuple[float, int]]:
        """(latency in seconds, how many came closest to it), the shortest first."""
        for step in sorted(self._counts):
            yield math.exp(step * _STEP) / 1e9, self._counts[step]
