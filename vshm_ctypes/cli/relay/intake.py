# SPDX-License-Identifier: Apache-2.0
"""What has come in and waits to be written: Zenoh's thread puts it in and never waits, in bounded memory."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from .wire import UNIT, Header, Refused

if TYPE_CHECKING:
    import zenoh

MOST_UNITS = 256
Unit = tuple[Header, bytes]


def unit_of(sample: zenoh.Sample, most_bytes: int) -> Unit:
    """Return a sample's header and payload. Raises Refused: it is not of this protocol, or larger than most_bytes."""
    size = len(sample.payload)
    attachment = sample.attachment
    if size > most_bytes:
        raise Refused(f"a unit of {size} bytes, where slots have {most_bytes}")
    if attachment is None or len(attachment) > 256:
        raise Refused("a sample without an attachment of this protocol")
    return Header.parse(attachment.to_bytes(), size), sample.payload.to_bytes()


class Intake:
    """A queue. When it is full, the oldest is dropped, which the sequence numbers tell as lost.

    Args:
        most_unit_bytes: larger units are refused.
        most_bytes: how much may wait.

    Attributes:
        most_unit_bytes: as given.
        refused: how many samples were not of this protocol, or too large.
        refusal: why, the last time.
        arrived: one more than the sequence number of the unit that came last.
    """

    def __init__(self, most_unit_bytes: int, most_bytes: int) -> None:
        self.most_unit_bytes, self._most_bytes = most_unit_bytes, most_bytes
        self._arrival = threading.Condition()
        self._waiting: deque[Unit] = deque()
        self._bytes = 0
        self._is_closed = False
        self.refused = 0
        self.refusal: str | None = None
        self.arrived = 0

    def put(self, sample: zenoh.Sample) -> None:
        """Put a sample in; Zenoh's thread calls this."""
        try:
            unit = unit_of(sample, self.most_unit_bytes)
        except Refused as error:
            with self._arrival:
                self.refused, self.refusal = self.refused + 1, str(error)
            return
        with self._arrival:
            self.arrived = unit[0].sequence + (unit[0].kind == UNIT)
            self._waiting.append(unit)
            self._bytes += len(unit[1])
            while len(self._waiting) > MOST_UNITS or self._bytes > self._most_bytes:
                self._bytes -= len(self._waiting.popleft()[1])
            self._arrival.notify()

    def take(self, timeout: float) -> Unit | None:
        """Return the next unit; None if none came within timeout seconds, or the intake is closed and empty."""
        with self._arrival:
            self._arrival.wait_for(lambda: self._waiting or self._is_closed, timeout)
            if not self._waiting:
                return None
            unit = self._waiting.popleft()
            self._bytes -= len(unit[1])
            return unit

    def first(self) -> Header | None:
        """Return what waits longest, without taking it."""
        with self._arrival:
            return self._waiting[0][0] if self._waiting else None

    def close(self) -> None:
        """End every wait."""
        with self._arrival:
            self._is_closed = True
            self._arrival.notify_all()
