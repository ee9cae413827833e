# SPDX-License-Identifier: Apache-2.0
"""What the processes of a block tell each other while they work: a few numbers in memory that they share."""

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
    """Made before the processes are forked. sent: how many frames there were; 0: it is not over."""

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
        """Of the one that sends."""
        return Progress(self._words[1])

    @sender.setter
    def sender(self, stage: Progress) -> None:
        self._words[1] = stage

    def tell(self, receiver: int, stage: Progress) -> None:
        """A receiver is that far."""
        self._words[2 + receiver] = stage

    def all_at(self, receivers: int, stage: Progress) -> bool:
        """Whether all receivers are that far."""
        return all(self._words[2 + receiver] >= stage for receiver in range(receivers))
