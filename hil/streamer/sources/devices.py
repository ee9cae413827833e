# SPDX-License-Identifier: Apache-2.0
"""Chooses a V4L2 device by path, driver, card or bus, never by a number that the kernel may change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .source import SourceError

# Parts of a Raspberry Pi's camera path that look like cameras, but can't be used directly.
NEED_LIBCAMERA = frozenset({"unicam", "rp1-cfe", "bcm2835-isp", "pispbe"})


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a device says of itself.

    captures: it captures video by streaming. media_controlled: it is set up by a media controller only. transcodes: it
    is a memory-to-memory device, such as an encoder. multi_planar: a buffer may have several planes.
    """

    path: Path
    driver: str
    card: str
    bus: str
    captures: bool
    media_controlled: bool = False
    transcodes: bool = False
    multi_planar: bool = False

    def __str__(self) -> str:
        return f"{self.path} ({self.card}, {self.driver}, {self.bus})"

    def is_same_camera(self, other: DeviceInfo) -> bool:
        """Return whether other may be the same camera, possibly on another port."""
        return (self.driver, self.card) == (other.driver, other.card)


def why_not(device: DeviceInfo) -> str | None:
    """Return why a device can't be opened as a camera directly, or None if it can."""
    if not device.captures:
        return "it captures no video"
    if device.media_controlled or device.driver in NEED_LIBCAMERA:
        return "only libcamera can drive it: --device rpicam"
    return None


def choose_device(words: str, devices: Sequence[DeviceInfo]) -> tuple[DeviceInfo, list[str]]:
    """Return (the chosen device, notes about those that were skipped). Raises SourceError, which lists the devices."""
    said: list[str] = []
    if words == "auto":
        found = list(devices)
    else:
        path = Path(words)
        found = [device for device in devices if device.path == path or path.resolve() == device.path]
        found = found or [device for device in devices if words in (device.bus, device.driver, device.card)]
    for device in found:
        reason = why_not(device)
        if reason is None:
            return device, said
        said.append(f"{device}: passed over: {reason}")
    there = "; ".join(f"{device}{': ' + reason if (reason := why_not(device)) else ''}" for device in devices)
    raise SourceError(0, f"{words}: no such camera; there is {there or 'no video device at all'}", "absent")
