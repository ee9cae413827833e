# SPDX-License-Identifier: Apache-2.0
"""The progress of a block's processes: a few numbers in memory that they share."""

from __future__ import annotations

import enum
import mmap

_WORDS = 32
RECEIVERS_MAX = _WORDS - 2


class Progress(enum.IntEnum):
    """How far a process is."""

    STARTING = 0
    READY = 1
    DONE = 2


class ProgressWords:
    """Created before the processes are forked. sent: how many frames were sent, or 0 until the end."""

    def __init__(self) -> None:
        self._words = memoryview(mmap.mmap(-1, _WORDS * 8)).cast("Q")

    @property
    def sent(self) -> int:
        return self._words[0]

    @sent.setter
    def sent(self, count: int) -> None:
        self._words[0] = count

    @property
    def sender(self) -> Progress:
        """The progress of the sender."""
        return Progress(self._words[1])

    @sender.setter
    def sender(self, stage: Progress) -> None:
        self._words[1] = stage

    def tell(self, receiver: int, stage: Progress) -> None:
        """Set the progress of a receiver."""
        self._words[2 + receiver] = stage

    def all_at(self, receivers: int, stage: Progress) -> bool:
        """Return whether all receivers have reached that stage."""
        return all(self._words[2 + receiver] >= stage for receiver in range(receivers))
