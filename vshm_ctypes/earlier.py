# SPDX-License-Identifier: Apache-2.0
"""What a ring still holds of the time before a reader began: perhaps parameter sets, which some encoders send once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from .consumer import Consumer
from .errors import VideoShmError
from .frame import Frame


def frames_before(ring: str, number: int) -> Iterator[Frame]:
    """Yield the frames before that number which the ring still holds, the oldest first; none if it can't be read."""
    with suppress(VideoShmError), Consumer(ring, start="oldest") as past:
        while (frame := past.receive(0)) is not None and frame.number < number:
            yield frame
