# SPDX-License-Identifier: Apache-2.0
"""Reads from sysfs which camera a device node belongs to, as udev does for /dev/v4l/by-id and by-path."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

SYSFS = Path("/sys")


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a camera from others. Empty where the kernel does not say, as of a loopback device.

    port: sysfs path of the device on its bus. model: USB's vendor and product. serial: USB's serial number, which cheap
    cameras lack or share. function: which of a camera's video functions it is, such as the infrared one.
    connected_s: for how long it has been plugged in, or None if unknown.
    """

    port: str = ""
    model: str = ""
    serial: str = ""
    function: str = ""
    connected_s: float | None = None


def node_number(descriptor: int) -> str:
    """Return the number of an open device node, as sysfs writes it: MAJOR:MINOR."""
    number = os.fstat(descriptor).st_rdev
    return f"{os.major(number)}:{os.minor(number)}"


def identify(number: str) -> Identity:
    """Return the identity of the device node with that number, whatever its name is here."""
    return identify_node(SYSFS / "dev/char" / number)


def identify_node(folder: Path) -> Identity:
    """Return the identity of the device node, or of the sound card, with that folder in sysfs."""
    node = Path(os.path.realpath(folder))
    device = Path(os.path.realpath(node / "device"))
    if not device.is_dir():
        return Identity()
    usb = next((folder for folder in (device, *device.parents) if (folder / "idVendor").is_file()), None)
    if usb is None:
        return Identity(port=str(device), function=text_of(node / "name"))
    connected_ms = text_of(usb / "power/connected_duration")
    return Identity(
        port=str(usb),
        model=f"{text_of(usb / 'idVendor')}:{text_of(usb / 'idProduct')}",
        serial=text_of(usb / "serial"),
        function=f"{text_of(device / 'bInterfaceNumber')}.{text_of(node / 'index')}",
        connected_s=int(connected_ms) / 1000 if connected_ms.isdecimal() else None,
    )


def text_of(path: Path) -> str:
    """Return an attribute of sysfs, or nothing if it can't be read: the device may just have been unplugged."""
    try:
        return path.read_bytes().decode(errors="replace").strip()
    except OSError:
        return ""
