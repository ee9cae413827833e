# SPDX-License-Identifier: Apache-2.0
"""The kernel's vhci_hcd, a USB host controller without a bus: its ports, and how a device is plugged into one."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CONTROLLER = Path("/sys/devices/platform/vhci_hcd.0")
_HIGH_SPEED = 3  # enum usb_device_speed
_FREE = 4  # enum usbip_device_status
_HIGH_SPEED_HUB = "hs"  # there are ports of super speed too, where such a device has no place
_DEVICE = 0x10000  # of the remote bus and device that the kernel puts into each request


class Port(NamedTuple):
    """A port. free: nothing is plugged in. device: its folder's name in /sys/bus/usb/devices, or "" without one."""

    number: int
    free: bool
    device: str


def ports(controller: Path = CONTROLLER) -> list[Port]:
    """Return the ports of high speed. Raises OSError if the module is not loaded."""
    return list(_ports(controller))


def _ports(controller: Path) -> Iterator[Port]:
    for path in sorted(controller.glob("status*")) or [controller / "status"]:
        for line in path.read_text().splitlines():
            hub, *fields = line.split()
            if hub == _HIGH_SPEED_HUB:
                number, state, _speed, _id, _socket, device = fields[:6]
                yield Port(int(number), int(state) == _FREE, "" if device == "0-0" else device)


def attach(end: socket.socket, port: int | None = None, controller: Path = CONTROLLER) -> int:
    """Plug the device at the other end of a connection into a port, by default any free one, and return the port.

    Raises OSError: EBUSY if the port, or every one, is taken.
    """
    free = [one.number for one in ports(controller) if one.free]
    for number in free if port is None else [port]:
        try:
            _write(controller / "attach", f"{number} {end.fileno()} {_DEVICE + number + 1} {_HIGH_SPEED}")
        except OSError as error:
            if error.errno == errno.EBUSY and port is None:  # another device was faster
                continue
            raise
        return number
    raise OSError(errno.EBUSY, "every port of vhci_hcd is taken: unplug another device")


def _write(path: Path, words: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)  # the kernel wants it all in one call
    try:
        os.write(descriptor, words.encode())
    finally:
        os.close(descriptor)
