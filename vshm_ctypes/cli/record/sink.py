# SPDX-License-Identifier: Apache-2.0
"""What a recording is written into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ...frame import Frame

if TYPE_CHECKING:
    from ...decodable import Picture

# FFmpeg's MP4 takes no pause of 2^31 ticks of its track: 6.6 h of pictures, 6.2 h of sound of 96 kHz.
MOST_GAP_NS = 6 * 3600 * 1_000_000_000


class SinkError(OSError):
    """The file can't take the recording, or can't take more of it."""


class Sink(Protocol):
    """Takes pictures in decoding order. What was written is playable whenever it ends."""

    def fits(self, picture: Picture) -> bool:
        """Return whether the picture can follow those that are in this file."""

    def write(self, picture: Picture) -> None:
        """Write a picture. Raises SinkError, OSError."""

    def close(self) -> None:
        """Finish the file. Raises OSError."""


def time_ns(frame: Frame) -> int:
    """Return the frame's best known time of capture, by the same clock for all frames of a stream."""
    return frame.capture_ns or frame.publish_ns or frame.timestamp_ms * 1_000_000
