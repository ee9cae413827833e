# SPDX-License-Identifier: Apache-2.0
"""The brake of an exporter: it sends no further ahead than its importers say they have heard.

Zenoh drops silently what a slow link does not take. What is under way is therefore bounded here, so that frames are
dropped before they are sent, whole and up to the next keyframe, and counted. Of several importers, the fastest one
counts: a slow one never slows the others, and loses frames on its way.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from time import monotonic_ns

LATE_NS = 10**9  # nothing is sent while an earlier unit has been under way for longer
MOST_BYTES = 4 << 20
FRESH_NS = 2 * 10**9  # an importer that says nothing for so long is gone; it speaks four times a second
LOST_NS = 3 * 10**9  # what is under way is lost if importers speak, but have heard nothing new for so long
MOST_IMPORTERS = 64


@dataclass(slots=True)
class _Importer:
    heard: int
    spoke_ns: int
    advanced_ns: int


class Window:
    """What is under way to the importers of one run. Sent by one thread; heard from any."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way: deque[tuple[int, int, int]] = deque()  # sequence, size, when
        self._bytes = 0
        self._importers: dict[str, _Importer] = {}

    def hear(self, importer: str, count: int) -> None:
        """Note that an importer has heard the first count units."""
        now_ns = monotonic_ns()
        with self._changed:
            known = self._importers.get(importer)
            if known is None:
                self._forget_silent(now_ns)
                if len(self._importers) < MOST_IMPORTERS:
                    self._importers[importer] = _Importer(count, now_ns, now_ns)
            else:
                known.spoke_ns = now_ns
                if count > known.heard:
                    known.heard, known.advanced_ns = count, now_ns
            self._changed.notify_all()

    def send(self, sequence: int, size: int) -> None:
        """Note that a unit is sent."""
        with self._changed:
            if self._importers:
                self._under_way.append((sequence, size, monotonic_ns()))
                self._bytes += size

    def wait(self, timeout: float) -> bool:
        """Wait up to timeout seconds until something may be sent. Returns whether it may."""
        with self._changed:
            return self._changed.wait_for(self._has_room, timeout)

    def wait_empty(self, timeout: float) -> bool:
        """Wait up to timeout seconds until nothing is under way any more. Returns whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._has_room() and not self._under_way, timeout)

    @property
    def importers(self) -> int:
        """How many importers there are."""
        with self._changed:
            self._forget_silent(monotonic_ns())
            return len(self._importers)

    def _forget_silent(self, now_ns: int) -> None:
        for name in [name for name, one in self._importers.items() if now_ns - one.spoke_ns > FRESH_NS]:
            del self._importers[name]

    def _has_room(self) -> bool:
        now_ns = monotonic_ns()
        self._forget_silent(now_ns)
        fastest = max(self._importers.values(), key=lambda one: one.heard, default=None)
        if fastest is None:
            self._forget_units(None)
            return True
        self._forget_units(fastest.heard)
        if not self._under_way:
            return True
        oldest_ns = self._under_way[0][2]
        if now_ns - max(oldest_ns, fastest.advanced_ns) > LOST_NS and now_ns - fastest.spoke_ns < LOST_NS // 4:
            self._forget_units(None)
            return True
        return now_ns - oldest_ns <= LATE_NS and self._bytes <= MOST_BYTES

    def _forget_units(self, heard: int | None) -> None:
        while self._under_way and (heard is None or self._under_way[0][0] < heard):
            self._bytes -= self._under_way.popleft()[1]
