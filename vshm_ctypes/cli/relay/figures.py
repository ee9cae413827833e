# SPDX-License-Identifier: Apache-2.0
"""The figures of a relay: those of every bridge, and what the clocks say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

from ...bridges.figures import BridgeFigures, Link
from ...bridges.statistics import Statistics
from .clock import Offset


@dataclass(frozen=True, slots=True)
class RelayFigures(BridgeFigures):
    """Adds to the figures of a bridge, for each of its streams:

    Attributes:
        sources: for an import, BOARD/RING; for an export, BOARD/RING as others name it.
        importers: for an export, how many importers there are; None for an import.
        clocks: for an import, the offset of its source's clock; None if it is not known, and for an export.
    """

    sources: tuple[str, ...] = ()
    importers: tuple[int, ...] | None = None
    clocks: tuple[Offset | None, ...] | None = None


class RelayStatistics(Statistics):
    """Counts what a relay does.

    Attributes:
        look: is called for the figures: returns sources, importers and clocks.
    """

    look: Callable[[], tuple[tuple[str, ...], tuple[int, ...] | None, tuple[Offset | None, ...] | None]] | None = None

    def figures(self) -> RelayFigures:
        """Return all counters as they are now."""
        told = super().figures()
        values = [getattr(told, field.name) for field in fields(BridgeFigures)]
        return RelayFigures(*values, *(self.look() if self.look is not None else ()))

    def show(self, state: Link) -> None:
        """Set the state of the far side, and count what is a new connection."""
        if state == Link.UP and self._state != Link.UP:
            self.up()
        elif state != Link.UP and self._state == Link.UP:
            self.down("the far side is gone")
