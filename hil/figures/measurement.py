# SPDX-License-Identifier: Apache-2.0
"""A measured figure with its unit and limit, which is recorded first and judged later."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .verdict import FIT, Fitness, Verdict

FAR = 10  # no time of a healthy product is so many times beyond its limit on any machine


@dataclass(frozen=True, slots=True)
class Measurement:
    """A figure. Without a limit it is for information only.

    timed: it depends on the speed of the host, so an unfit host makes it INVALID. budget: the board's budget that is
    its limit, or None for the product's own promise. Raises ValueError if value is not finite, or if the limits
    contradict each other.
    """

    name: str
    unit: str
    value: float
    at_most: float | None = None
    at_least: float | None = None
    exactly: float | None = None
    timed: bool = False
    budget: str | None = None

    def __post_init__(self) -> None:
        for name in ("value", "at_most", "at_least", "exactly"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise ValueError(f"{self.name}: {name} is {number}: no figure")
        if self.exactly is not None and (self.at_most is not None or self.at_least is not None):
            raise ValueError(f"{self.name}: exactly {self.exactly} leaves no room for another limit")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError(f"{self.name}: nothing is at least {self.at_least} and at most {self.at_most}")

    @property
    def is_limited(self) -> bool:
        """Whether it has a limit."""
        return (self.at_most, self.at_least, self.exactly) != (None, None, None)

    @property
    def is_within(self) -> bool:
        """Whether the value is within its limits."""
        return (
            (self.at_most is None or self.value <= self.at_most)
            and (self.at_least is None or self.value >= self.at_least)
            and (self.exactly is None or self.value == self.exactly)
        )

    @property
    def is_far_beyond(self) -> bool:
        """Whether it is FAR times beyond a limit; never for a limit of 0."""
        return bool(
            (self.at_most and self.value > self.at_most * FAR) or (self.at_least and self.value < self.at_least / FAR)
        )

    def verdict(self, fitness: Fitness = FIT) -> Verdict:
        """Return the verdict. A time on an unfit host is INVALID, whether good or bad.

        So is one beyond the limit of another kind of machine, unless it is far beyond.
        """
        if self.timed and self.is_limited and not fitness.fit:
            return Verdict.INVALID
        if self.is_within:
            return Verdict.PASS
        is_doubtful = self.timed and not fitness.proven and not self.is_far_beyond
        return Verdict.INVALID if is_doubtful else Verdict.FAIL
