# SPDX-License-Identifier: Apache-2.0
"""The findings of vshm check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding.

    Attributes:
        code: name for scripts, which never changes.
        subject: the ring, object or file.
        what: what is wrong.
        why: why it matters.
        todo: what to do about it.
    """

    code: str
    subject: str
    what: str
    why: str
    todo: str


def alike(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Group the findings that say the same of several subjects, in the order of the first of each group."""
    groups: dict[Finding, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(replace(finding, subject=""), []).append(finding)
    return list(groups.values())
