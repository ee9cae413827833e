# SPDX-License-Identifier: Apache-2.0
"""Dates sound that has no time of its own, by counting samples against the clock."""

from __future__ import annotations

LOSS_NS = 60_000_000  # sound that comes later than that, and stays late, follows a loss
LOSS_LASTS_NS = 500_000_000
LEAK = 400  # one ns in so many: the largest error of a sound card's clock (USB 2.0, 7.1.11: 0.25 %)


class SampleClock:
    """Dates sound by its least delayed samples, since sound can come late but never early.

    rate: Hz. patience_ns: how long sound may come late before an unreported loss is assumed.
    """

    def __init__(self, rate: int, patience_ns: int = LOSS_LASTS_NS) -> None:
        self._rate, self._patience_ns = rate, patience_ns
        self._next_ns: int | None = None  # when the next sample is captured
        self._late_ns = 0  # the length of the sound that has come late in a row

    @property
    def is_late(self) -> bool:
        """Whether the last sound came so late that some may have been lost before it."""
        return self._late_ns > 0

    def first_ns(self, samples: int, came_ns: int, told: bool = False) -> tuple[int, bool]:
        """Return when the first of these samples was captured, and whether sound was lost before it.

        came_ns: when the samples arrived; like the returned time on CLOCK_MONOTONIC, in ns. told: whether a loss was
        reported.
        """
        length_ns = samples * 1_000_000_000 // self._rate
        seen_ns = came_ns - length_ns
        begin_ns = seen_ns if self._next_ns is None else min(seen_ns, self._next_ns + length_ns // LEAK)
        self._late_ns = self._late_ns + length_ns if seen_ns - begin_ns > LOSS_NS else 0
        lost = self._late_ns > (0 if told else self._patience_ns)
        if lost:
            begin_ns, self._late_ns = seen_ns, 0
        self._next_ns = begin_ns + length_ns
        return begin_ns, lost
