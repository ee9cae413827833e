# SPDX-License-Identifier: Apache-2.0
"""What a V4L2 device says of itself, and which devices are named by path, driver, card or bus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .identity import Identity
from .source import SourceError

# Parts of a Raspberry Pi's camera path that look like cameras, but can't be used directly.
NEED_LIBCAMERA = frozenset({"unicam", "rp1-cfe", "bcm2835-isp", "pispbe"})


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a device says of itself.

    captures: it captures video by streaming. media_controlled: it is set up by a media controller only. transcodes: it
    is a memory-to-memory device, such as an encoder. multi_planar: a buffer may have several planes. is_grey: what it
    gives has no colour, as that of an infrared sensor. identity: what tells it from others of its kind.
    """

    path: Path
    driver: str
    card: str
    bus: str
    captures: bool
    media_controlled: bool = False
    transcodes: bool = False
    multi_planar: bool = False
    is_grey: bool = False
    identity: Identity = field(default_factory=Identity)

    def __str__(self) -> str:
        return f"{self.path} ({self.card}, {self.driver}, {self.bus})"

    @property
    def place(self) -> tuple[str, str]:
        """Where it is plugged in. Two ports of a USB controller may have one bus_info: one of USB 2, one of USB 3."""
        return self.identity.port, self.bus

    def is_alike(self, other: DeviceInfo) -> bool:
        """Return whether nothing but place and serial number tells the two apart."""
        model = (self.driver, self.identity.function, self.identity.model)
        if model != (other.driver, other.identity.function, other.identity.model):
            return False
        return bool(self.identity.model) or self.card == other.card  # a card's name is made up where USB gives none


def why_not(device: DeviceInfo) -> str | None:
    """Return why a device can't be opened as a camera directly, or None if it can."""
    if not device.captures:
        return "it captures no video"
    if device.media_controlled or device.driver in NEED_LIBCAMERA:
        return "only libcamera can drive it: --device rpicam"
    return None


def _named(words: str, devices: Sequence[DeviceInfo]) -> list[DeviceInfo]:
    if words == "auto":
        return list(devices)
    path = Path(words)
    found = [device for device in devices if device.path == path or path.resolve() == device.path]
    return found or [device for device in devices if words in (device.bus, device.driver, device.card)]


def find_devices(words: str, devices: Sequence[DeviceInfo]) -> tuple[list[DeviceInfo], list[str]]:
    """Return (the devices that are meant and can be opened, grey ones last; notes about those that can't).

    A laptop's infrared sensor may come before its camera, as another function of it or as a device of its own. Raises
    SourceError, which lists the devices, if there is none.
    """
    found: list[DeviceInfo] = []
    said: list[str] = []
    for device in _named(words, devices):
        reason = why_not(device)
        if reason is None:
            found.append(device)
        else:
            said.append(f"{device}: passed over: {reason}")
    if not found:
        raise absent(f"{words}: no such camera", devices)
    return sorted(found, key=lambda device: device.is_grey), said


def absent(what: str, devices: Sequence[DeviceInfo]) -> SourceError:
    """Return an error that lists the devices that are there."""
    there = "; ".join(f"{device}{': ' + reason if (reason := why_not(device)) else ''}" for device in devices)
    return SourceError(0, f"{what}; there is {there or 'no video device at all'}", "absent")
