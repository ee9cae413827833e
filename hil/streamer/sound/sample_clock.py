# SPDX-License-Identifier: Apache-2.0
"""When sound was captured that came without a time of its own: by counting samples, held against the clock."""

from __future__ import annotations

LOSS_NS = 60_000_000  # what comes later than that, and stays late, was lost before it
LOSS_LASTS_NS = 500_000_000
LEAK = 400  # one in so many ns: as far as a sound card's clock may be off from the machine's (USB 2.0, 7.1.11: 0.25 %)


class SampleClock:
    """Sound can come late, never early: of all that came, the least late tells the time of the rest.

    rate: Hz. patience_ns: so long sound may come late before some is taken for lost that nobody told of.
    """

    def __init__(self, rate: int, patience_ns: int = LOSS_LASTS_NS) -> None:
        self._rate, self._patience_ns = rate, patience_ns
        self._next_ns: int | None = None  # when the next sample is captured
        self._late_ns = 0  # so much sound came late in a row

    @property
    def is_late(self) -> bool:
        """Whether the last sound came so late that some may have been lost before it."""
        return self._late_ns > 0

    def first_ns(self, samples: int, came_ns: int, told: bool = False) -> tuple[int, bool]:
        """When the first of so many samples was captured that have just come; and whether some were lost before it.

        came_ns and what is returned: CLOCK_MONOTONIC. told: somebody says that some were.
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
