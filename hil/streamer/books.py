# SPDX-License-Identifier: Apache-2.0
"""The books of a channel: every picture that was captured is accounted for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Books:
    """Counts since the start.

    captured: pictures, or access units of a camera that encodes itself, handed out by the source. encoded: access
    units that came of them. encoder_dropped: gave way to a newer picture. source_error: flagged by the driver. written:
    in the ring. refused: larger than a slot. ring_dropped: the ring was busy.
    """

    captured: int = 0
    encoded: int = 0
    encoder_dropped: int = 0
    source_error: int = 0
    written: int = 0
    refused: int = 0
    ring_dropped: int = 0

    @property
    def in_flight(self) -> int:
        """Captured, and neither encoded nor given up yet."""
        return self.captured - self.encoded - self.encoder_dropped - self.source_error

    def imbalance(self, in_flight: int = 0) -> str | None:
        """What does not add up, with so many pictures still on their way; None: all does."""
        if self.in_flight != in_flight:
            given = f"{self.encoded} encoded + {self.encoder_dropped} dropped + {self.source_error} bad"
            return f"captured {self.captured} is not {given} + {in_flight} in flight"
        if self.encoded != self.written + self.refused + self.ring_dropped:
            given = f"{self.written} written + {self.refused} refused + {self.ring_dropped} dropped by the ring"
            return f"encoded {self.encoded} is not {given}"
        return None
