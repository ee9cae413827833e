# SPDX-License-Identifier: Apache-2.0
"""What is said of a measurement, and whether the host was fit to be measured on."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Verdict(enum.StrEnum):
    """PASS, FAIL, or INVALID: nothing can be said of a time, since the host was not fit, or the limit is not proven."""

    PASS = "pass"
    FAIL = "fail"
    INVALID = "invalid"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """One for all: a failure stands whatever else is in doubt; PASS where there are none."""
    found = set(verdicts)
    return next((verdict for verdict in (Verdict.FAIL, Verdict.INVALID) if verdict in found), Verdict.PASS)


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether the host was fit for timing. reasons: why it was not, for people; none: it was.

    proven: the limits were measured on such a machine.
    """

    reasons: tuple[str, ...] = ()
    proven: bool = True

    @property
    def fit(self) -> bool:
        """Nothing speaks against it."""
        return not self.reasons


FIT = Fitness()
