# SPDX-License-Identifier: Apache-2.0
"""Exports one ring: finds its writer, announces it, and sends its units as long as it lives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING

from ...bridges.figures import Cause
from ...bridges.hand_over import Handed, HandOver
from ...bridges.ring_reader import RingReader
from ...bridges.statistics import StreamStatistics
from ...commandline.rate_limited_log import in_a_line
from ...errors import UNSEEN, VideoShmError
from ...frame import Frame, Media
from ...info import RingInfo, State
from ...inspect import inspect
from .announcement import Announcement
from .keys import Export, Source
from .wire import END, UNIT, About, Header

if TYPE_CHECKING:
    import zenoh

MOST_UNITS = 30  # that wait while the link is slow; older ones are of no use to anybody
TICK_S = 0.25
RETRY_S = 2.0  # after what nobody expected
DRAIN_S = 1.0  # at the end, for what is still under way
ENDED = {State.CLOSED: "closed", State.DEAD: "died"}


class RingExport:
    """Exports a ring in a thread of its own until close().

    Args:
        session: of Zenoh.
        source: the board's name, and the ring's.
        statistics: counts.
        say: is called with a line for people.
    """

    def __init__(
        self, session: zenoh.Session, source: Source, statistics: StreamStatistics, say: Callable[[str], None]
    ) -> None:
        self._session, self._source, self._statistics, self._say = session, source, statistics, say
        self._over = threading.Event()
        self._announced: Announcement | None = None
        self._sent = 0  # in this run
        self._trouble = ""  # what was told of it last
        self._hand_over: HandOver[Frame] = HandOver(statistics, most_units=MOST_UNITS)
        self._reader = RingReader(source.ring, self._hand_over, statistics, say)
        self._thread = threading.Thread(target=self._run, name=f"vshm-relay {source.ring}", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no thread is left
            self._reader.close()
            raise

    @property
    def importers(self) -> int:
        """How many importers there are now."""
        announced = self._announced
        return 0 if announced is None else announced.window.importers

    def close(self) -> None:
        """End the export. Not for signal handlers."""
        self._over.set()
        self._reader.close()
        self._hand_over.close()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self._turn()
            except Exception as error:  # such as Zenoh's
                trouble = in_a_line(error)
                if trouble != self._trouble:
                    self._say(f"{self._source.ring}: {trouble}")
                self._trouble = trouble
                self._over.wait(RETRY_S)
        self._withdraw("exporter ended")

    def _turn(self) -> None:
        """Look after the writer, and hand on one unit, if one comes."""
        self._look()
        if self._announced is not None and not self._announced.window.wait(TICK_S):
            return
        handed = self._hand_over.take(TICK_S)
        if handed is None:
            return
        if handed.unit.discontinuity or self._announced is None:  # perhaps it is of the next writer
            self._look()
        self._hand_on(handed)

    def _look(self) -> None:
        """Announce the ring if it has a writer, and withdraw it when that is gone, or has begun another epoch."""
        info: RingInfo | None = None
        try:
            info = inspect(self._source.ring)
        except VideoShmError as error:
            if error.errno in UNSEEN:  # what can't be seen is not gone
                return
        about = None if info is None or info.state in ENDED else _about(info)
        if self._announced is not None and self._announced.about != about:
            why = "restarted" if about is not None else "closed" if info is None else ENDED.get(info.state, "closed")
            self._withdraw(why)
        if self._announced is None and about is not None:
            self._sent = 0
            self._announced = Announcement(self._session, Export.new(self._source), about)

    def _hand_on(self, handed: Handed[Frame]) -> None:
        announced, frame = self._announced, handed.unit
        if announced is None:
            self._statistics.drop(Cause.DOWN)
            return
        header = _header(frame, announced.about.epoch, self._sent)
        if handed.discontinuity or frame.missed_before:
            announced.gop.clear()  # unless this is a keyframe
        announced.gop.add(header, frame.data)
        if not announced.wanted:
            self._statistics.drop(Cause.DOWN)
            return
        announced.put(header, frame.data)
        self._sent += 1
        self._statistics.send(frame.size, handed.since_ns, monotonic_ns())

    def _withdraw(self, why: str) -> None:
        announced, self._announced = self._announced, None
        if announced is not None:
            announced.put(Header(END, 0, 0, 0, 0, 0, 0, announced.about.epoch, 0, self._sent, 0, 0, 0), b"")
            if why != "restarted":
                announced.window.wait_empty(DRAIN_S)
            announced.close()
            self._say(f"{self._source.ring}: withdrawn: {why}")


def _about(info: RingInfo) -> About:
    return About(info.slots, info.slot_size, Media(info.media), info.epoch)


def _header(frame: Frame, epoch: int, sequence: int) -> Header:
    return Header(
        UNIT,
        frame.codec,
        frame.fps,
        int(frame.flags),
        frame.width,
        frame.height,
        frame.size,
        epoch,
        frame.number,
        sequence,
        frame.capture_ns,
        frame.publish_ns,
        frame.timestamp_ms,
        frame.meta.reserved,
    )
