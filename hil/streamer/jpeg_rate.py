# SPDX-License-Identifier: Apache-2.0
"""Warns if JPEG exceeds the channel's bit rate even at the encoder's lowest quality."""

from __future__ import annotations

from collections import deque

from .channels import Channel
from .log import LOG

SETTLES_S = 4.0  # the time until the quality has adapted to a changed picture
TOLERANCE = 1.2  # a factor of the bit rate


class JpegRate:
    """Watches the sizes of a channel's pictures. fps: pictures per second."""

    def __init__(self, channel: Channel, fps: float) -> None:
        self._channel, self._fps = channel, fps
        self._sizes: deque[int] = deque(maxlen=max(2, round(SETTLES_S * fps)))
        self._left = 2 * self._sizes.maxlen if self._sizes.maxlen else 0  # pictures until the average is judged
        self._told = False

    def add(self, size: int) -> None:
        """Count a picture of size bytes."""
        self._sizes.append(size)
        self._left -= 1
        if self._told or self._left > 0:
            return
        rate = sum(self._sizes) / len(self._sizes) * 8 * self._fps
        if rate > self._channel.bit_rate * TOLERANCE:
            self._told = True
            ring, asked = self._channel.ring, self._channel.bit_rate
            told = f"JPEG at its lowest quality takes {rate / 1000:.0f} kbit/s, more than bit_rate={asked}"
            LOG.warning("%s: %s: choose a smaller picture, a lower rate, or codec=h264", ring, told)
