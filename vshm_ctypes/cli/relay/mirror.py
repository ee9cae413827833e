# SPDX-License-Identifier: Apache-2.0
"""Follows one run of an exported ring into a ring of this machine, as long as its writer lives."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ...bridges.statistics import StreamStatistics
from ...producer import Producer
from .clock import Clock
from .clock_link import ClockLink
from .inlet import Inlet
from .intake import MOST_UNITS, Intake, Unit, unit_of
from .keys import Export
from .voice import Voice
from .wire import END, MOST_TEXT, About, Refused

if TYPE_CHECKING:
    import zenoh

TICK_S = 0.25
ANSWER_S = 5.0  # for the description, and for the last GOP
DRAIN_S = 0.25  # after the token has gone: what was sent before it may come later


def ask_about(session: zenoh.Session, export: Export) -> About:
    """Ask the exporter for its description of the ring. Raises Refused, TimeoutError."""
    for reply in session.get(export.key("about"), timeout=ANSWER_S):
        if reply.ok is None:
            continue
        if len(reply.ok.payload) > MOST_TEXT:
            raise Refused(f"a description of {len(reply.ok.payload)} bytes")
        return About.parse(reply.ok.payload.to_bytes())
    raise TimeoutError(f"{export.source}: the exporter did not answer within {ANSWER_S:g} s")


class Mirror:
    """One run, and its ring here.

    Args:
        session: of Zenoh.
        export: the run.
        ring: where it goes.
        about: what the exporter told of it.
        clock: is kept up to date, and translates times.
        statistics: counts.
        heard: how many of its units are accounted for already, if it was followed before.

    Raises:
        VideoShmError: the ring can't be made.
    """

    def __init__(
        self,
        session: zenoh.Session,
        export: Export,
        ring: str,
        about: About,
        clock: Clock,
        statistics: StreamStatistics,
        lose: Callable[[int], None],
        heard: int | None,
    ) -> None:
        self._session, self._export = session, export
        self._most_bytes = about.ring_bytes  # that may wait here
        self.intake = Intake(about.slot_size, self._most_bytes)
        with ExitStack() as stack:
            producer = Producer(ring, slots=about.slots, slot_size=about.slot_size, media=about.media)
            stack.callback(producer.close)
            self.inlet = Inlet(producer, clock, statistics, lose)
            self.inlet.heard = heard
            # First, so that the exporter brakes from the first unit on.
            voice = Voice(session, export, lambda: self.intake.arrived)
            stack.callback(voice.close)
            subscriber = session.declare_subscriber(export.key("unit"), self.intake.put)
            stack.callback(subscriber.undeclare)
            link = ClockLink(session, export, clock)
            stack.callback(link.close)
            self._stack = stack.pop_all()

    def follow(self, is_alive: Callable[[], bool], is_over: Callable[[], bool]) -> bool:
        """Write what comes until the run has ended, or is_over(). Returns whether the exporter told its end."""
        self._recall()
        left_s = DRAIN_S
        while left_s > 0 and not is_over():
            unit = self.intake.take(TICK_S)
            if unit is not None and unit[0].kind == END:
                self.inlet.end(unit[0])
                return True
            if unit is not None:
                self.inlet.take(*unit)
            elif not is_alive():
                left_s -= TICK_S
        return False

    def _recall(self) -> None:
        """Write the last GOP up to where the live units begin, so that readers can decode at once."""
        recalled = self._ask_gop()
        first = self.intake.first()
        for header, data in recalled:
            if first is None or header.number < first.number:
                self.inlet.recall(header, data)

    def _ask_gop(self) -> list[Unit]:
        from zenoh import ConsolidationMode, Priority

        units: list[Unit] = []
        replies = self._session.get(
            self._export.key("gop"), timeout=ANSWER_S, consolidation=ConsolidationMode.NONE, priority=Priority.DATA_HIGH
        )
        size = 0
        for reply in replies:
            if reply.ok is None:
                continue
            try:
                units.append(unit_of(reply.ok, self.intake.most_unit_bytes))
            except Refused:
                break
            size += len(units[-1][1])
            if size > self._most_bytes or len(units) > MOST_UNITS:
                break
        return units

    def close(self) -> None:
        """End it: the ring is closed, and its readers see that."""
        self._stack.close()
