# SPDX-License-Identifier: Apache-2.0
"""The configuration of a design: its descriptors, and which endpoints are isochronous."""

from __future__ import annotations

import struct

from . import descriptors as usb
from . import sound_descriptors, video_descriptors
from .designs import Design

_BUS_POWERED, _WAKES_UP = 0x80, 0x20
_CURRENT = 250  # in 2 mA


def configuration(design: Design, largest: dict[tuple[str, int, int], int]) -> bytes:
    """Return the configuration with all its interfaces. largest: bytes of a picture, by kind of clip and size."""
    body = video_descriptors.interfaces(design, largest)
    interfaces = 2
    if design.microphone:
        body += sound_descriptors.interfaces()
        interfaces += 2
    head = (9, usb.CONFIGURATION, 9 + len(body), interfaces, 1, 0, _BUS_POWERED | _WAKES_UP, _CURRENT)
    return struct.pack("<BBHBBBBB", *head) + body


def isochronous_endpoints(design: Design) -> frozenset[int]:
    """Return the numbers of the endpoints whose transfers consist of packets."""
    video = () if design.bulk else (video_descriptors.VIDEO_ENDPOINT,)
    return frozenset((*video, sound_descriptors.SOUND_ENDPOINT))
