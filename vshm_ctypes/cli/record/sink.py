# SPDX-License-Identifier: Apache-2.0
"""What a recording goes into, frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ...frame import Frame

if TYPE_CHECKING:
    from ..decodable import Picture


class SinkError(OSError):
    """The recording can't begin, or can't go on in this file."""


class Sink(Protocol):
    """Takes pictures in the order in which they are decoded; what was written stays playable whenever it ends."""

    def fits(self, picture: Picture) -> bool:
        """Whether the picture can go into this file, after those that are there."""

    def write(self, picture: Picture) -> None:
        """One more."""

    def close(self) -> None:
        """Nothing more comes."""


def time_ns(frame: Frame) -> int:
    """When the frame was captured, on one clock for all frames of a stream, as well as the ring tells."""
    return frame.capture_ns or frame.publish_ns or frame.timestamp_ms * 1_000_000
