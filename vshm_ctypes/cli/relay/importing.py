# SPDX-License-Identifier: Apache-2.0
"""Imports one ring of another board: finds its exporter, and follows one run after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic, monotonic_ns
from typing import TYPE_CHECKING

from ...bridges.statistics import StreamStatistics
from ...codec import codec_name
from ...commandline.output import counted, describe
from ...commandline.rate_limited_log import in_a_line
from ...errors import ProducerBusy
from ...printable import printable
from ...processes import tell_program
from .clock import Clock, Offset
from .directory import Directory
from .keys import Export, Source
from .mirror import Mirror, ask_about
from .wire import About, Refused

if TYPE_CHECKING:
    import zenoh

WAIT_S = 0.25
RIVAL_S = 5.0  # after which another run of the same name is no dead one, whose token is still there
ASIDE_S = 5.0  # how long a run that could not be followed is left alone, for others of its name


class RingImport:
    """Imports a ring in a thread of its own until close().

    Args:
        session: of Zenoh.
        source: which ring.
        ring: its name here.
        most_bytes: of memory that the ring may take; a larger one is refused.
        statistics: counts.
        say: is called with a line for people.

    Attributes:
        connected: whether a run is followed now.
    """

    def __init__(
        self,
        session: zenoh.Session,
        source: Source,
        ring: str,
        most_bytes: int,
        statistics: StreamStatistics,
        say: Callable[[str], None],
    ) -> None:
        self._session, self._source, self._ring, self._most_bytes = session, source, ring, most_bytes
        self._statistics, self._say = statistics, say
        self.connected = False
        self._clock: Clock | None = None
        self._lost = 0
        self._heard: tuple[Export, int] | None = None  # of the run that was followed last
        self._told: str | None = None
        self._has_rivals = False  # which was told
        self._aside: dict[Export, float] = {}  # until when
        self._over = threading.Event()
        self._directory = Directory(session, source)
        self._thread = threading.Thread(target=self._run, name=f"vshm-relay {source}", daemon=True)
        self._thread.start()

    def offset(self) -> Offset | None:
        """Return how the other board's clock is translated now; None if it is not known."""
        clock = self._clock
        return None if clock is None else clock.used(monotonic_ns())

    def close(self) -> None:
        """End the import; the ring is closed. Not for signal handlers."""
        self._over.set()
        self._directory.close()
        self._thread.join()

    def _run(self) -> None:
        self._tell(f"waiting for {printable(self._source)}; vshm relay list shows what is exported")
        while not self._over.is_set():
            export = self._directory.first(WAIT_S, self._left_alone())
            if export is not None and not self._over.is_set():
                self._try(export)

    def _left_alone(self) -> frozenset[Export]:
        now_s = monotonic()
        self._aside = {export: until_s for export, until_s in self._aside.items() if until_s > now_s}
        return frozenset(self._aside)

    def _try(self, export: Export) -> None:
        try:
            self._follow(export, self._checked(export))
            return
        except ProducerBusy as error:
            writer = tell_program(error.pid) if error.pid else "which is out of sight here"
            told = f"{self._ring} has a writer, {writer}: end it, or import this ring --as another"
        except (Refused, OSError) as error:  # VideoShmError, TimeoutError
            told = describe(error)
        except Exception as error:  # such as Zenoh's
            told = in_a_line(error)
        self._tell(f"{printable(self._source)}: {told}")
        self._aside[export] = monotonic() + ASIDE_S

    def _checked(self, export: Export) -> About:
        about = ask_about(self._session, export)
        if about.ring_bytes > self._most_bytes:
            told = f"a ring of {about.slots} slots of {about.slot_size} bytes is more than --most-memory allows"
            raise Refused(f"{told}: {self._most_bytes >> 20} MiB")
        return about

    def _follow(self, export: Export, about: About) -> None:
        heard = self._heard[1] if self._heard is not None and self._heard[0] == export else None
        clock = Clock()
        mirror = Mirror(self._session, export, self._ring, about, clock, self._statistics, self._lose, heard)
        self._clock = clock
        try:
            self.connected = True
            self._tell(f"{printable(self._source)} is here as {self._ring}: {_stream(about)}")
            told = mirror.follow(lambda: self._directory.is_alive(export), lambda: self._is_over(export))
            if not self._over.is_set():
                why = "its exporter withdrew it" if told else "its exporter is gone, or the link is cut"
                self._tell(f"{printable(self._source)}: {why}: {self._ring} is closed until it is back")
        finally:
            self.connected, self._clock = False, None
            if mirror.inlet.heard is not None:
                self._heard = export, mirror.inlet.heard
            self._count_refused(mirror)
            mirror.close()
        if told:
            self._over.wait(WAIT_S)  # until its token has gone, too

    def _is_over(self, export: Export) -> bool:
        if not self._has_rivals and (count := self._directory.rivals(export, RIVAL_S)):
            self._has_rivals = True
            told = f"{count + 1} exporters have this name, and the one that was found first is followed"
            self._say(f"{printable(self._source)}: {told}: give each its own --board")
        return self._over.is_set()

    def _count_refused(self, mirror: Mirror) -> None:
        intake = mirror.intake
        if intake.refused:
            told = f"{counted(intake.refused, 'sample')} refused, the last one: {intake.refusal}"
            self._say(f"{printable(self._source)}: {told}")

    def _lose(self, count: int) -> None:
        self._lost += count
        self._statistics.set_losses(self._lost, 0)

    def _tell(self, what: str) -> None:
        if what != self._told:
            self._say(what)
        self._told = what


def _stream(about: About) -> str:
    geometry = f"{about.slots} slots of {about.slot_size} bytes"
    if about.codec is None:
        return geometry
    return f"{codec_name(about.codec)} {about.width}x{about.height}, {geometry}"
