# SPDX-License-Identifier: Apache-2.0
"""Spaces attempts to connect: soon at first, then ever more seldom, and not all bridges at the same moment."""

from __future__ import annotations

import random

FIRST_S = 0.5
MOST_S = 30.0
SPREAD = 0.2  # of the time, so that bridges that lost the same server do not come back all at once


class BackOff:
    """The time to wait before each attempt: FIRST_S, then twice as long each time, up to MOST_S."""

    def __init__(self, first_s: float = FIRST_S, most_s: float = MOST_S) -> None:
        self._first_s, self._most_s = first_s, most_s
        self._next_s = first_s

    def next_s(self) -> float:
        """Return how many seconds to wait before the next attempt."""
        wait_s = self._next_s
        self._next_s = min(wait_s * 2, self._most_s)
        return wait_s * random.uniform(1 - SPREAD, 1 + SPREAD)

    def reset(self) -> None:
        """Begin anew, because an attempt has succeeded: the far side has taken something."""
        self._next_s = self._first_s
