# SPDX-License-Identifier: Apache-2.0
"""Counts what a bridge does. Any thread may count, and any may ask."""

from __future__ import annotations

import threading
from collections import Counter

from ..latencies import Latencies
from .address import redacted
from .figures import BridgeFigures, Cause, Link, StreamFigures

LONGEST_ERROR = 300


class StreamStatistics:
    """Counts the frames of one ring."""

    def __init__(self, ring: str) -> None:
        self.ring = ring
        self._lock = threading.Lock()
        self._received = self._sent = self._sent_bytes = self._missed = self._skipped = 0
        self._dropped: Counter[Cause] = Counter()
        self._latencies = Latencies()

    def receive(self) -> None:
        """Count a frame that the bridge has read."""
        with self._lock:
            self._received += 1

    def set_losses(self, missed: int, skipped: int) -> None:
        """Set how many frames were missed, and how many skipped, since the bridge began."""
        with self._lock:
            self._missed, self._skipped = missed, skipped

    def send(self, size: int, since_ns: int, now_ns: int) -> None:
        """Count a frame of size bytes, which was read at since_ns, and which the far side has taken by now_ns."""
        with self._lock:
            self._sent += 1
            self._sent_bytes += size
            self._latencies.add(now_ns - since_ns)

    def drop(self, cause: Cause, count: int = 1) -> None:
        """Count frames that were read and are not sent."""
        with self._lock:
            if count:
                self._dropped[cause] += count

    def end(self) -> None:
        """Count what is still pending as dropped, because the bridge ends."""
        with self._lock:
            pending = self._pending()
            if pending:
                self._dropped[Cause.ENDED] += pending

    def _pending(self) -> int:
        return self._received - self._sent - self._dropped.total()

    def figures(self) -> StreamFigures:
        """Return the counters as they are now."""
        with self._lock:
            p50_s, p99_s = self._latencies.percentile_s(50), self._latencies.percentile_s(99)
            return StreamFigures(
                ring=self.ring,
                received=self._received,
                missed=self._missed,
                skipped=self._skipped,
                sent=self._sent,
                sent_bytes=self._sent_bytes,
                dropped=dict(self._dropped),
                pending=self._pending(),
                p50_ms=None if p50_s is None else round(p50_s * 1000, 3),
                p99_ms=None if p99_s is None else round(p99_s * 1000, 3),
            )


class Statistics:
    """Counts what a bridge does.

    Args:
        bridge: which bridge: the verb.
        far: address of the far side; credentials in it are never shown.
        rings: names of the rings.

    Attributes:
        far: where the far side is, without credentials.
        streams: the counters of each ring, in the order of rings.
    """

    def __init__(self, bridge: str, far: str, rings: list[str]) -> None:
        self._bridge, self.far = bridge, redacted(far, far)
        self._address = far
        self._lock = threading.Lock()
        self._state = Link.CONNECTING
        self._connects = 0
        self._error: str | None = None
        self.streams = [StreamStatistics(ring) for ring in rings]

    def connect(self) -> None:
        """Note that the far side is being connected."""
        self._set(Link.CONNECTING)

    def up(self) -> None:
        """Note that the far side is connected."""
        with self._lock:
            self._state = Link.UP
            self._connects += 1

    def down(self, why: object) -> str:
        """Note that the far side is gone, or can't be connected. Returns why, without credentials."""
        told = redacted(str(why), self._address)[:LONGEST_ERROR]
        with self._lock:
            self._state, self._error = Link.DOWN, told
        return told

    def _set(self, state: Link) -> None:
        with self._lock:
            self._state = state

    def end(self) -> None:
        """Note that the bridge ends."""
        for stream in self.streams:
            stream.end()
        self._set(Link.DOWN)

    def figures(self) -> BridgeFigures:
        """Return all counters as they are now."""
        with self._lock:
            state, reconnects, error = self._state, max(self._connects - 1, 0), self._error
        streams = tuple(stream.figures() for stream in self.streams)
        return BridgeFigures(self._bridge, self.far, state, reconnects, error, streams)
