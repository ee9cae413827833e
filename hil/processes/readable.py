# SPDX-License-Identifier: Apache-2.0
"""Waits for what other programs print."""

from __future__ import annotations

import select
from collections.abc import Iterable


def readable(descriptors: Iterable[int], timeout_s: float) -> list[int]:
    """Return those that can be read, or have ended, as soon as there is one; none if timeout_s seconds pass before.

    select() takes no descriptor above 1023, which a program with that many open files gets.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in poll.poll(max(timeout_s, 0) * 1000)]
