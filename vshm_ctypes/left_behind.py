# SPDX-License-Identifier: Apache-2.0
"""What a process must put away even if it ends without unwinding: beside its threads, by a fault, by a second Ctrl-C.

Only SIGKILL, and signals that nobody handles, leave it for vshm check --clean.
"""

from __future__ import annotations

import atexit
from typing import Protocol


class Removable(Protocol):
    """Something outside of the process that belongs to the process."""

    def remove(self) -> None:
        """Put it away. May be called twice; in a forked child it does nothing as long as the parent lives."""


_made: set[Removable] = set()


def note(thing: Removable) -> None:
    """Remember a thing that is to be put away."""
    _made.add(thing)


def forget(thing: Removable) -> None:
    """Forget a thing that was put away. May be called twice."""
    _made.discard(thing)


@atexit.register
def remove_all() -> None:
    """Put everything away; for every place where the process is about to end, signal handlers included."""
    for thing in tuple(_made):
        thing.remove()
