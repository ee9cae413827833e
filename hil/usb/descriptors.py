# SPDX-License-Identifier: Apache-2.0
"""The standard descriptors of a USB device (USB 2.0, chapter 9)."""

from __future__ import annotations

import struct
from typing import NamedTuple

VENDOR, PRODUCT = 0x1209, 0x0001  # of a registry for open projects; these numbers are for tests
MANUFACTURER = "video-shm"
DEVICE, CONFIGURATION, STRING, INTERFACE, ENDPOINT, QUALIFIER, ASSOCIATION = 1, 2, 3, 4, 5, 6, 11
ISOCHRONOUS, BULK, INTERRUPT = 0x05, 0x02, 0x03  # bmAttributes; isochronous ones are asynchronous
IN = 0x80
_USB_2, _MISCELLANEOUS = 0x0200, (0xEF, 2, 1)  # class, subclass and protocol of a device with associations
_ENGLISH = 0x0409


def interface(number: int, alternate: int, endpoints: int, kind: tuple[int, int, int]) -> bytes:
    """Return the descriptor of an interface. kind: class, subclass, protocol."""
    return struct.pack("<9B", 9, INTERFACE, number, alternate, endpoints, *kind, 0)


def association(first: int, kind: tuple[int, int, int]) -> bytes:
    """Return the descriptor that joins two interfaces, from number first on."""
    return struct.pack("<8B", 8, ASSOCIATION, first, 2, *kind, 0)


def endpoint(address: int, attributes: int, packet: int, interval: int) -> bytes:
    """Return the descriptor of an endpoint. packet: wMaxPacketSize. interval: bInterval."""
    return struct.pack("<BBBBHB", 7, ENDPOINT, address, attributes, packet, interval)


class Texts(NamedTuple):
    """What the device says of itself in words; their places in this tuple are their numbers, from 1 on."""

    manufacturer: str
    product: str
    serial: str


def device() -> bytes:
    """Return the descriptor of the device, with all three texts."""
    return struct.pack("<BBHBBBBHHHBBBB", 18, DEVICE, _USB_2, *_MISCELLANEOUS, 64, VENDOR, PRODUCT, 0x0100, 1, 2, 3, 1)


def qualifier() -> bytes:
    """Return what the device would be at full speed: the same, without a configuration."""
    return struct.pack("<BBHBBBBBB", 10, QUALIFIER, _USB_2, *_MISCELLANEOUS, 64, 0, 0)


def string(number: int, texts: Texts) -> bytes | None:
    """Return a text, or the languages for number 0, or None if there is none."""
    if number == 0:
        return struct.pack("<BBH", 4, STRING, _ENGLISH)
    if number > len(texts):
        return None
    data = texts[number - 1].encode("utf-16-le")
    return bytes([2 + len(data), STRING]) + data
