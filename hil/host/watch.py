# SPDX-License-Identifier: Apache-2.0
"""The host beside a measurement: its stalls, what other programs used of it, and the board before and after."""

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
    """What was seen of the host. others_share: what other programs used of the processors' time, 0 to 1."""

    stalls: HostStalls
    others_share: float
    before: Machine
    after: Machine

    def fitness(self, thresholds: Thresholds) -> Fitness:
        """Return whether the host was fit for timing, and why it was not."""
        return fitness_of(self.stalls, self.others_share, self.before, self.after, thresholds)


class HostWatch:
    """Watches the host while it is entered; a context manager. Raises HiccupError where its process does not start.

    Processes that were started meanwhile have to be reaped before take(): else their load counts as that of others.
    """

    def __init__(self) -> None:
        self._hiccups = Hiccups()

    def __enter__(self) -> Self:
        self._before, self._load = machine.read_machine(), foreign_load.read_usage()
        self._hiccups.__enter__()
        return self

    def take(self) -> Seen:
        """Return what was seen since the watch began. Raises HiccupError; to be called once."""
        stalls = self._hiccups.take()
        others_share = foreign_load.share(self._load, foreign_load.read_usage())
        return Seen(stalls, others_share, self._before, machine.read_machine())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hiccups.__exit__(kind, error, trace)
