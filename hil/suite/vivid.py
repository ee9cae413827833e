# SPDX-License-Identifier: Apache-2.0
"""The kernel's vivid cameras and their fault injector, which sets controls by the driver's names.

The injector opens the device a second time. Its settings stay when it is closed; a disconnected camera comes back when
all that have it open, including the injector, have closed it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..streamer.sources.devices import DeviceInfo
from ..streamer.sources.v4l2_abi import v4l2
from ..streamer.sources.v4l2_devices import video_devices

DRIVER = "vivid"
DROPPED_PERCENT = "Percentage of Dropped Buffers"
DISCONNECT = "Disconnect"
BUFFER_ERROR = "Inject V4L2_BUF_FLAG_ERROR"
STREAMON_ERROR = "Inject VIDIOC_STREAMON Error"
FATAL_ERROR = "Inject Fatal Streaming Error"
WRAP_SEQUENCE = "Wrap Sequence Number"
WRAP_TIMESTAMP = "Wrap Timestamp"
PATTERN = "Test Pattern"
TEXT = "OSD Text Mode"
MOVEMENT = "Horizontal Movement"
COLORSPACE = "Colorspace"
ENCODING = "Y'CbCr Encoding"
QUANTIZATION = "Quantization"
REMEDY = "as root: modprobe vivid n_devs=2 multiplanar=1,2; or: hil vm -- COMMAND"


def vivid_cameras() -> list[DeviceInfo]:
    """Return the vivid cameras, ordered by bus."""
    devices, _ = video_devices()
    return sorted((info for info in devices if info.driver == DRIVER and info.captures), key=lambda info: info.bus)


def is_aside(info: DeviceInfo) -> bool:
    """Return whether it is a multi-planar camera, which is only for the tests of that: the suite runs on the others."""
    return info.driver == DRIVER and info.multi_planar


class Injector:
    """Sets controls of an open vivid device. Raises KeyError if it has no such control or menu item, or OSError."""

    def __init__(self, device: Any) -> None:
        self._device = device
        controls = v4l2.iter_read_controls(device)
        self._controls: dict[str, Any] = {control.name.decode(errors="replace"): control for control in controls}

    def set(self, name: str, value: int) -> None:
        """Set a control to a number, a switch to 0 or 1, or a menu to an item's index."""
        v4l2.set_control(self._device, self._controls[name].id, value)

    def choose(self, name: str, item: str) -> None:
        """Set a menu to the item of that name."""
        self.set(name, self._items(self._controls[name])[item])

    def take_back(self, name: str) -> None:
        """Set a control to the driver's default."""
        self.set(name, self._controls[name].default_value)

    def _items(self, control: Any) -> dict[str, int]:
        found = {}
        for index in range(control.minimum, control.maximum + 1):
            with contextlib.suppress(OSError):  # menus may lack some indices
                item = v4l2.raw.v4l2_querymenu(id=control.id, index=index)
                v4l2.ioctl(self._device, v4l2.IOC.QUERYMENU, item)
                found[item.name.decode(errors="replace")] = index
        return found

    def push(self, name: str) -> None:
        """Press a button."""
        self.set(name, 1)


@contextmanager
def injecting(path: Path) -> Iterator[Injector]:
    """Open the fault injector of the camera at that path. Raises OSError."""
    with v4l2.Device(str(path)) as device:
        yield Injector(device)


def reset(path: Path) -> None:
    """Reset every fault that stays set. Raises OSError."""
    with injecting(path) as injector:
        for name in (DROPPED_PERCENT, WRAP_SEQUENCE, WRAP_TIMESTAMP):
            injector.set(name, 0)
        for name in (PATTERN, TEXT, MOVEMENT, COLORSPACE, ENCODING, QUANTIZATION):
            injector.take_back(name)
