# SPDX-License-Identifier: Apache-2.0
"""Asks an exporter for its clock, again and again, in a thread of its own."""

from __future__ import annotations

import threading
from contextlib import suppress
from time import monotonic_ns
from typing import TYPE_CHECKING

from .clock import Clock, RoundTrip
from .keys import Export
from .wire import Refused, parse_clocks

if TYPE_CHECKING:
    import zenoh

FIRST = 5  # round trips at once, so that the first frames have good times
EVERY_S = 1.0
TIMEOUT_S = 2.0


def ask(session: zenoh.Session, export: Export) -> RoundTrip | None:
    """Make one round trip. Returns None if there was no answer."""
    from zenoh import Priority, ZError

    asked_ns = monotonic_ns()
    with suppress(ZError, Refused):
        for reply in session.get(export.key("clock"), timeout=TIMEOUT_S, priority=Priority.REAL_TIME, express=True):
            returned_ns = monotonic_ns()
            answer = reply.ok
            if answer is not None and len(answer.payload) < 64:
                return RoundTrip.of(asked_ns, *parse_clocks(answer.payload.to_bytes()), returned_ns)
    return None


class ClockLink:
    """Keeps a Clock up to date until close(). Making it takes the first round trips."""

    def __init__(self, session: zenoh.Session, export: Export, clock: Clock) -> None:
        self._session, self._export, self._clock = session, export, clock
        self._over = threading.Event()
        for _ in range(FIRST):
            self._ask()
        self._thread = threading.Thread(target=self._run, name="vshm-relay clock", daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        trip = ask(self._session, self._export)
        if trip is not None:
            self._clock.add(trip)

    def _run(self) -> None:
        while not self._over.wait(EVERY_S):
            self._ask()

    def close(self) -> None:
        """Ask no more."""
        self._over.set()
        self._thread.join()
