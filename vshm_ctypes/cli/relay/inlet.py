# SPDX-License-Identifier: Apache-2.0
"""Decides which units that come in are written into the ring, and counts all of them.

Only what a decoder can use is written: after a gap nothing, up to the next keyframe, which then is a discontinuity.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from time import monotonic_ns

from ...bridges.figures import Cause
from ...bridges.statistics import StreamStatistics
from ...errors import FrameTooLarge, ProducerBusy, VideoShmError
from ...frame import Flag
from ...producer import Producer
from .clock import Clock
from .wire import Header


class Inlet:
    """Writes the units of one run into a ring.

    Args:
        ring: where they go.
        clock: translates their times.
        statistics: counts what comes in and what is written; what was lost on the way is missed.
        lose: is called with how many units were lost on the way.

    Attributes:
        heard: how many units of the run were sent, as far as is known: one more than the last sequence number.
    """

    def __init__(self, ring: Producer, clock: Clock, statistics: StreamStatistics, lose: Callable[[int], None]) -> None:
        self._ring, self._clock, self._statistics, self._lose = ring, clock, statistics, lose
        self.heard: int | None = None
        self._next_number: int | None = None
        self._needs_keyframe = True
        self._is_gap = True  # before the next unit that is written

    def recall(self, header: Header, data: bytes) -> None:
        """Take a unit of the last GOP, which was sent before this importer came."""
        self._write(header, data)

    def take(self, header: Header, data: bytes) -> None:
        """Take a unit that was just sent."""
        self._note_sequence(header.sequence)
        self.heard = header.sequence + 1
        self._write(header, data)

    def end(self, header: Header) -> None:
        """Take the END, which tells how many units were sent."""
        self._note_sequence(header.sequence)
        self.heard = header.sequence

    def _note_sequence(self, sequence: int) -> None:
        if self.heard is not None and sequence > self.heard:
            self._lose(sequence - self.heard)

    def _write(self, header: Header, data: bytes) -> None:
        self._statistics.receive()
        if self._next_number != header.number:
            self._is_gap = self._needs_keyframe = True
        self._next_number = header.number + 1
        if self._needs_keyframe and not header.is_keyframe:
            self._refuse(Cause.UNDECODABLE)
            return
        now_ns = monotonic_ns()
        flags = header.flags | (Flag.DISCONTINUITY if self._is_gap else 0)
        try:
            self._commit(header, data, flags, self._clock.translate(header.capture_ns, now_ns))
        except FrameTooLarge:
            self._refuse(Cause.TOO_LARGE)
        except ProducerBusy:  # a version 1 program holds the ring's semaphore
            self._refuse(Cause.SLOW)
        except VideoShmError as error:
            if error.errno != errno.EINVAL:  # of a raw picture where version 1 programs would read it
                raise
            self._refuse(Cause.UNDECODABLE)
        else:
            self._is_gap = self._needs_keyframe = False
            published_ns = self._clock.translate(header.publish_ns, now_ns) or now_ns
            self._statistics.send(len(data), min(published_ns, now_ns), now_ns)

    def _refuse(self, cause: Cause) -> None:
        self._statistics.drop(cause)
        self._is_gap = self._needs_keyframe = True

    def _commit(self, header: Header, data: bytes, flags: int, capture_ns: int) -> None:
        with self._ring.reserve() as slot:
            if len(data) > slot.capacity:
                raise FrameTooLarge(0, self._ring.ring)
            slot.data[: len(data)] = data
            slot.commit(
                len(data),
                keyframe=header.is_keyframe,
                codec=header.codec,
                width=header.width,
                height=header.height,
                fps=header.fps,
                timestamp_ms=header.timestamp_ms,
                reserved=header.reserved,
                capture_ns=capture_ns,
                flags=flags,
            )
