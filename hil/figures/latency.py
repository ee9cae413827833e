# SPDX-License-Identifier: Apache-2.0
"""Collects all latencies, in an HdrHistogram of nanoseconds."""

from __future__ import annotations

import zlib
from typing import Any, Self

HIGHEST_NS = 3600 * 10**9  # longer ones count as this
DIGITS = 3
PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9}
_ENCODED_MAX = 1 << 18  # bytes; a full histogram takes less


class LatencyHistogram:
    """How often each latency occurred, to three digits."""

    def __init__(self) -> None:
        from hdrh.histogram import HdrHistogram  # help must work without the harness's dependencies

        self._histogram: Any = HdrHistogram(1, HIGHEST_NS, DIGITS)

    def record(self, latency_ns: int) -> None:
        """Add a latency. Raises ValueError if it is negative, since its two times are then of different clocks."""
        if latency_ns < 0:
            raise ValueError(f"a latency of {latency_ns} ns ends before it begins")
        self._histogram.record_value(min(latency_ns, HIGHEST_NS))

    @property
    def count(self) -> int:
        """How many were recorded."""
        return int(self._histogram.get_total_count())

    def percentile(self, percent: float) -> int:
        """Return the latency in ns that percent of all did not exceed; 100 is the longest.

        Raises ValueError if there is none.
        """
        self._needs_some()
        return int(self._histogram.get_value_at_percentile(percent))

    @property
    def longest_ns(self) -> int:
        """The longest latency in ns. Raises ValueError if there is none."""
        self._needs_some()
        return int(self._histogram.get_max_value())

    def _needs_some(self) -> None:
        if not self.count:
            raise ValueError("no latency was recorded, so there is no percentile")

    def summary(self) -> dict[str, int]:
        """Return p50, p90, p99, p99.9 and max, in ns. Raises ValueError if there is none."""
        longest_ns = self.longest_ns
        found = self._histogram.get_percentile_to_value_dict(list(PERCENTILES.values()))
        return {name: int(found[percent]) for name, percent in PERCENTILES.items()} | {"max": longest_ns}

    def add(self, other: LatencyHistogram) -> None:
        """Add all latencies of another histogram."""
        self._histogram.add(other._histogram)

    def distribution(self) -> list[tuple[int, float]]:
        """Return each latency in ns that occurred, ascending, with the share (0 to 1) of all that did not exceed it."""
        if not self.count:
            return []
        histogram, seen, points = self._histogram, 0, []
        # The library's own iterators are a hundred times slower, since they visit each of its 30,000 counters in
        # Python.
        counters = histogram.counts[: histogram.get_counts_array_index(histogram.get_max_value()) + 1]
        for index, count in enumerate(counters):
            if count:
                seen += count
                value = histogram.get_highest_equivalent_value(histogram.get_value_from_index(index))
                points.append((int(value), seen / self.count))
        return points

    def encode(self) -> str:
        """Return the HdrHistogram project's own form (V2, deflated, base64), which its other tools read."""
        encoded: bytes = self._histogram.encode()
        return encoded.decode("ascii")

    @classmethod
    def decode(cls, encoded: str) -> Self:
        """Return the histogram from encode(). Raises ValueError for anything else."""
        from hdrh.codec import HdrCookieException, HdrLengthException
        from hdrh.histogram import HdrHistogram

        if len(encoded) > _ENCODED_MAX:
            raise ValueError("no histogram: too long")
        try:
            histogram = HdrHistogram.decode(encoded)
        except (HdrCookieException, HdrLengthException, zlib.error, ValueError, TypeError, IndexError) as error:
            raise ValueError(f"no histogram: {error}") from None
        decoded = cls()
        shape = ("lowest_trackable_value", "highest_trackable_value", "significant_figures")
        if any(getattr(histogram, name) != getattr(decoded._histogram, name) for name in shape):
            raise ValueError("a histogram of another shape")
        decoded._histogram.add(histogram)
        return decoded
