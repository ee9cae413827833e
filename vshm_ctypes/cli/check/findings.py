# SPDX-License-Identifier: Apache-2.0
"""The findings of vshm check."""

from __future__ import annotations

from dataclasses import dataclass


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
