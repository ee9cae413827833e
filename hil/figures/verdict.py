# SPDX-License-Identifier: Apache-2.0
"""Verdicts on measurements, and the fitness of a host for timing."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Verdict(enum.StrEnum):
    """PASS, FAIL, or INVALID: undecided, because the host was not fit for timing or the limit is not proven."""

    PASS = "pass"
    FAIL = "fail"
    INVALID = "invalid"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return one verdict for all: FAIL if any failed, then INVALID, else PASS."""
    found = set(verdicts)
    return next((verdict for verdict in (Verdict.FAIL, Verdict.INVALID) if verdict in found), Verdict.PASS)


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether the host was fit for timing. reasons: why it was not, for people; empty if it was.

    proven: the limits were measured on such a machine.
    """

    reasons: tuple[str, ...] = ()
    proven: bool = True

    @property
    def fit(self) -> bool:
        """Whether there is no reason against it."""
        return not self.reasons


FIT = Fitness()
