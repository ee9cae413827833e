# SPDX-License-Identifier: Apache-2.0
"""Keeps to the camera that a name led to at first, whatever its number is now, and although others are like it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from .devices import DeviceInfo, find_devices, why_not
from .source import SourceError

KEEP_S = 30.0  # longer than a camera takes to start anew, or a person to plug it in again


class Keeper:
    """Says which device is to be opened, from the words that name a camera and the cameras that are there.

    Before one has streamed that is any that the words name. Afterwards it is the same one. While it is gone

    - a bus, or a link in /dev/v4l/by-path, leads to whatever is plugged in there;
    - auto, a driver, a card or another link leads to another camera after keep_s seconds;
    - a node's path leads to no other camera.

    One that is like it and was plugged in afterwards is the same in another port.
    """

    def __init__(self, words: str, keep_s: float = KEEP_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._words, self._keep_s, self._clock = words, keep_s, clock
        self._camera: DeviceInfo | None = None
        self._kind: Literal["port", "link", "node", "any"] = "any"
        self._there_s = self._streamed_s = 0.0  # when the camera was there last, and when it streamed last
        self._neighbours: set[tuple[str, str]] = set()  # places of cameras that it could be mistaken for
        self._used: set[tuple[str, str]] = set()  # places of cameras that others use

    @property
    def has_camera(self) -> bool:
        """Whether a camera has streamed."""
        return self._camera is not None

    def candidates(self, devices: Sequence[DeviceInfo]) -> tuple[list[DeviceInfo], list[str]]:
        """Return (the devices to be tried, best first; notes about what was passed over).

        Raises SourceError if there is none.
        """
        if self._camera is None:
            found, said = find_devices(self._words, devices)
            return sorted(found, key=lambda device: device.place in self._used), said
        return self._again(self._camera, [device for device in devices if why_not(device) is None])

    def goes_on(self, device: DeviceInfo) -> bool:
        """Return whether another camera may be tried, because this one can't be used: the words mean no certain one."""
        return self._camera is None and self._words != device.bus

    def is_used(self, device: DeviceInfo) -> None:
        """Note that others use this camera: the next time it is tried last."""
        self._used.add(device.place)

    def began(self, camera: DeviceInfo, devices: Sequence[DeviceInfo]) -> None:
        """Note that this camera streams from now on. devices: what was there when it was opened."""
        if self._camera is None:  # afterwards it may have another number, and the words mean what they meant
            self._kind = self._meant(camera)
        self._camera = camera
        self._neighbours = {other.place for other in devices if other != camera and _may_be(camera, other)}
        self._used.clear()
        self.streams()

    def _meant(self, camera: DeviceInfo) -> Literal["port", "link", "node", "any"]:
        """Return what the words name that led to this camera."""
        path = Path(self._words)
        if path.resolve() != camera.path.resolve():
            return "port" if self._words == camera.bus else "any"
        if not path.is_symlink():
            return "node"
        return "port" if "by-path" in path.parts else "link"

    def streams(self) -> None:
        """Note that the camera streams."""
        self._streamed_s = self._there_s = self._clock()

    def _again(self, camera: DeviceInfo, there: list[DeviceInfo]) -> tuple[list[DeviceInfo], list[str]]:
        """Return what candidates() returns, after that camera has streamed. Raises SourceError."""
        if self._kind == "port":
            return self._in_port(camera, there), []
        same = self._same(camera, there)
        if same is not None:
            self._there_s = self._clock()
            return [same], []
        if self._kind == "node" or self._clock() - self._there_s < self._keep_s:
            raise self._gone(camera, there)
        found = sorted(find_devices(self._words, there)[0], key=lambda device: not device.is_alike(camera))
        return found, [f"{_name(camera)} has been gone for {self._keep_s:g} s: another camera is taken"]

    def _in_port(self, camera: DeviceInfo, there: list[DeviceInfo]) -> list[DeviceInfo]:
        """Return what is plugged in there; of the same camera, the same function."""
        found = find_devices(self._words, there)[0]
        model, function = camera.identity.model, camera.identity.function
        fit = [each for each in found if each.identity.model != model or each.identity.function == function]
        if not fit:
            raise self._gone(camera, there)
        return fit[:1]

    def _same(self, camera: DeviceInfo, there: list[DeviceInfo]) -> DeviceInfo | None:
        alike = [device for device in there if _may_be(camera, device)]
        here = [device for device in alike if device.place == camera.place]
        if here:
            return here[0]
        moved = [device for device in alike if self._has_come(device)]
        return moved[0] if len(moved) == 1 else None

    def _has_come(self, device: DeviceInfo) -> bool:
        """Return whether a device was plugged in after the camera streamed."""
        connected_s = device.identity.connected_s
        was_there = connected_s is not None and self._clock() - connected_s < self._streamed_s
        return not was_there and device.place not in self._neighbours

    def _gone(self, camera: DeviceInfo, there: list[DeviceInfo]) -> SourceError:
        name = _name(camera)
        if self._kind == "node" and any(device.path == Path(self._words).resolve() for device in there):
            return SourceError(0, f"{self._words} is another device now, and is not taken for {name}", "absent")
        alike = next((device for device in there if _may_be(camera, device)), None)
        other = f"; {alike} is like it, and is not taken for it" if alike is not None else ""
        return SourceError(0, f"{name} is not there{other}", "absent")


def _name(camera: DeviceInfo) -> str:
    """Return the camera's name without a node, which may be another camera's by now."""
    return f"{camera.card} ({camera.driver}, {camera.bus})"


def _may_be(camera: DeviceInfo, device: DeviceInfo) -> bool:
    """Return whether nothing tells the two apart but where they are plugged in."""
    serial, other = camera.identity.serial, device.identity.serial
    return camera.is_alike(device) and (serial == other or not (serial and other))
