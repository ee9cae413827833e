# SPDX-License-Identifier: Apache-2.0
"""What a process would leave behind that ends without unwinding: beside its threads, by a fault, by a second Ctrl-C.

Only SIGKILL, and signals that nobody handles, leave it for vshm check --clean.
"""

from __future__ import annotations

import atexit
from typing import Protocol


class Removable(Protocol):
    """Something outside of the process that belongs to it."""

    def remove(self) -> None:
        """Put it away. Twice is fine, and in a forked child it does nothing as long as the parent lives."""


_made: set[Removable] = set()


def note(thing: Removable) -> None:
    """From now on it is there."""
    _made.add(thing)


def forget(thing: Removable) -> None:
    """It was put away. Twice is fine."""
    _made.discard(thing)


@atexit.register
def remove_all() -> None:
    """From wherever the process is about to end, signal handlers too."""
    for thing in tuple(_made):
        thing.remove()
