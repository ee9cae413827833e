# SPDX-License-Identifier: Apache-2.0
"""The counters of a channel, which account for every captured picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Books:
    """Counts since the start.

    captured: pictures that the source delivered, or access units of a camera that encodes by itself. encoded: access
    units that were made of them. encoder_dropped: pictures that were replaced by a newer one before they were encoded.
    source_error: pictures that the driver flagged as damaged. written: frames in the ring. refused: frames larger than
    a slot. ring_dropped: frames dropped because the ring was busy.
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
        """The number of pictures that were captured, and are neither encoded nor dropped yet."""
        return self.captured - self.encoded - self.encoder_dropped - self.source_error

    def imbalance(self, in_flight: int = 0) -> str | None:
        """Return what does not add up with in_flight pictures still being encoded, or None if the counters balance."""
        if self.in_flight != in_flight:
            given = f"{self.encoded} encoded + {self.encoder_dropped} dropped + {self.source_error} bad"
            return f"captured {self.captured} is not {given} + {in_flight} in flight"
        if self.encoded != self.written + self.refused + self.ring_dropped:
            given = f"{self.written} written + {self.refused} refused + {self.ring_dropped} dropped by the ring"
            return f"encoded {self.encoded} is not {given}"
        return None
