# SPDX-License-Identifier: Apache-2.0
"""Publishes rings to one server: through one muxer after the other, each of which begins at a keyframe."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ...bridges.back_off import BackOff
from ...bridges.figures import Cause
from ...bridges.hand_over import MOST_BYTES, take_first
from ...bridges.ring_reader import RingReader
from ...bridges.statistics import Statistics
from ...commandline.rate_limited_log import in_a_line
from .completing import CompletingHandOver
from .leaps import Leaps
from .messages import Order
from .muxer_process import END_S, MuxerProcess

WAIT_S = 0.25


class Publisher:
    """Reads the rings in threads of their own, and publishes what they have in another one.

    Args:
        order: which rings, and where to.
        statistics: is kept up to date.
        say: is called with lines for people, from any thread.
        on_refused: is called, from any thread, when refusal is set.

    Attributes:
        refusal: why nothing more is tried: the far side has never been up, and refuses for good; else None.
    """

    def __init__(
        self,
        order: Order,
        statistics: Statistics,
        say: Callable[[str], None],
        on_refused: Callable[[], None],
    ) -> None:
        self._order, self._statistics, self._say, self._on_refused = order, statistics, say, on_refused
        self.refusal: str | None = None
        self._has_been_up = False
        self._over = threading.Event()
        self._back_off = BackOff()
        arrival = threading.Condition()
        share = MOST_BYTES * 2 // (1 + len(order.rings))
        self._hand_overs = [
            CompletingHandOver(stream.ring, stream, most_bytes=max(share, 1 << 20), arrival=arrival)
            for stream in statistics.streams
        ]
        self._leaps = [Leaps() for _ in order.rings]
        self._set_cause(Cause.DOWN)
        self._readers: list[RingReader] = []
        self._thread = threading.Thread(target=self._run, name="vshm-publish", daemon=True)
        try:
            for ring, hand_over, stream in zip(order.rings, self._hand_overs, statistics.streams, strict=True):
                self._readers.append(RingReader(ring, hand_over, stream, say))
            self._thread.start()
        except RuntimeError:  # no thread is left: those that have one publish their counters, which would be left
            for reader in self._readers:
                reader.close()
            raise

    def close(self) -> None:
        """End the session with the server, and all threads. Not for signal handlers."""
        self._over.set()
        for reader in self._readers:
            reader.close()
        for hand_over in self._hand_overs:
            hand_over.close()
        self._thread.join()

    def _set_cause(self, cause: Cause) -> None:
        for hand_over in self._hand_overs:
            hand_over.cause = cause

    def _run(self) -> None:
        while not self._over.is_set():
            self._statistics.connect()
            for hand_over in self._hand_overs:
                hand_over.restart()
            try:
                why, is_final = self._publish()
            except (OSError, RuntimeError, MemoryError) as error:
                why, is_final = f"no muxer could be started: {in_a_line(error)}", False
            if self._over.is_set():
                return
            self._set_cause(Cause.DOWN)
            if is_final and not self._has_been_up:
                self.refusal = self._statistics.down(why)
                self._on_refused()
                return
            wait_s = self._back_off.next_s()
            self._say(f"{self._statistics.far}: {self._statistics.down(why)}: trying again in {wait_s:.1f} s")
            self._over.wait(wait_s)

    def _publish(self) -> tuple[str, bool]:
        """Publish through one muxer. Returns why it ended, and whether the next would, too. Raises as MuxerProcess."""
        muxer = MuxerProcess(self._order, self._statistics, self._on_up, self._say)
        try:
            self._feed(muxer)
        finally:
            why = muxer.close(Cause.ENDED if self._over.is_set() else Cause.DOWN, END_S)
        if muxer.sent:
            self._back_off.reset()
        return why, muxer.is_final

    def _on_up(self) -> None:
        self._has_been_up = True
        self._set_cause(Cause.SLOW)
        self._statistics.up()

    def _feed(self, muxer: MuxerProcess) -> None:
        while not (self._over.is_set() or muxer.has_ended or muxer.is_stalled):
            found = take_first(self._hand_overs, WAIT_S)
            if found is None:
                continue
            index, handed = found
            has_leap = self._leaps[index].is_one(handed.unit, handed.since_ns)
            if not muxer.give(index, handed, has_leap, self._over.is_set):
                return
