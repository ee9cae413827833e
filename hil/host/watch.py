# SPDX-License-Identifier: Apache-2.0
"""Watches the host during a measurement: its stalls, other programs' load, and the board's state before and after."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from vshm_ctypes import machine
from vshm_ctypes.machine import Machine

from ..figures.verdict import Fitness
from . import foreign_load
from .board import Thresholds
from .fitness import fitness_of
from .hiccup import Hiccups, HostStalls


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of the host. others_share: other programs' share of the processors' time, 0 to 1."""

    stalls: HostStalls
    others_share: float
    before: Machine
    after: Machine

    def fitness(self, thresholds: Thresholds) -> Fitness:
        """Return whether the host was fit for timing, and why it was not."""
        return fitness_of(self.stalls, self.others_share, self.before, self.after, thresholds)


class HostWatch:
    """Watches the host during a block. Raises HiccupError if the control's process does not start.

    Processes that were started meanwhile must be reaped before take(), or their load counts as that of others.
    """

    def __init__(self) -> None:
        self._hiccups = Hiccups()

    def __enter__(self) -> Self:
        self._before, self._load = machine.read_machine(), foreign_load.read_usage()
        self._hiccups.__enter__()
        return self

    def take(self) -> Seen:
        """Return what was seen since the start of the block. Raises HiccupError. It must be called only once."""
        stalls = self._hiccups.take()
        others_share = foreign_load.share(self._load, foreign_load.read_usage())
        return Seen(stalls, others_share, self._before, machine.read_machine())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hiccups.__exit__(kind, error, trace)
