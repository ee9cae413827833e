# SPDX-License-Identifier: Apache-2.0
"""What a ring still holds of the time before a reader began: perhaps parameter sets, which some encoders send once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from .consumer import Consumer
from .decodable import Decodable, Picture
from .errors import VideoShmError
from .frame import Frame


def frames_before(ring: str, number: int) -> Iterator[Frame]:
    """Yield the frames before that number which the ring still holds, the oldest first; none if it can't be read."""
    with suppress(VideoShmError), Consumer(ring, start="oldest") as past:
        while (frame := past.receive(0)) is not None and frame.number < number:
            yield frame


class DecodableOfRing(Decodable):
    """Selects frames of a ring as they are read. Where parameter sets are lacking, they are looked for there, once."""

    def __init__(self, ring: str, needs_idr: bool = False) -> None:
        super().__init__(needs_idr)
        self._ring = ring
        self._looked_back = False

    def take(self, frame: Frame) -> Picture | None:
        """Return the next frame as it is to be recorded, or None if a decoder can't use it."""
        picture = super().take(frame)
        if picture is None and self.lacks_sets and not self._looked_back:
            self._looked_back = True
            for earlier in frames_before(self._ring, frame.number):
                self.learn(earlier.data)
            picture = super().take(frame)
        return picture
