# SPDX-License-Identifier: Apache-2.0
"""What vshm check says: what is wrong, why it matters, what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. code: for scripts, never changes. subject: the ring, object or file."""

    code: str
    subject: str
    what: str
    why: str
    todo: str
