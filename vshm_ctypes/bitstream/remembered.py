# SPDX-License-Identifier: Apache-2.0
"""Remembers what parameter sets mean, since the same ones come with every keyframe."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

MOST_SETS = 16  # of one kind
MOST_BYTES = 256  # of a set, more than any that a camera or an encoder is known to make

_Meaning = TypeVar("_Meaning")


def remembered(read: Callable[[bytes], _Meaning]) -> Callable[[bytes], _Meaning]:
    """Let a function of a parameter set's bytes remember what it returned last. What it raises is not remembered."""
    known = lru_cache(MOST_SETS)(read)

    @wraps(read)
    def looked_up(nal: bytes) -> _Meaning:
        return known(bytes(nal)) if len(nal) <= MOST_BYTES else read(nal)

    return looked_up
