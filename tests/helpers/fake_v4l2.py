# SPDX-License-Identifier: Apache-2.0
"""A fake V4L2 driver: its devices are files, and it answers ioctls by the layout of linux/videodev2.h.

It uses no library's structures: numbers and offsets are those of a 64-bit kernel.
"""

import ctypes
import errno
import fcntl
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

MONOTONIC, ERROR = 0x2000, 0x40
CAPTURE, PLANES = 0x1, 0x1000
STREAMS = 0x04000000


@dataclass
class Sent:
    """The content of one buffer: a payload for each plane; sequence -1 is the next one, and stamp_ns 0 is now.

    is_timeless: its time is 0.
    """

    payloads: list[bytes]
    flags: int = MONOTONIC
    sequence: int = -1
    stamp_ns: int = 0
    data_offset: int = 0
    is_timeless: bool = False


def cancelled(planes: int = 1) -> Sent:
    """Return a buffer that the driver gives back unfilled, as uvcvideo does with all after a failed transfer."""
    return Sent([b""] * planes, flags=MONOTONIC | ERROR, sequence=0, is_timeless=True)


@dataclass
class FakeCamera:
    """One device. formats: fourcc as a number, and its description. strides: of each plane in memory, or 0.

    controls: the values that were set. known_controls: type and name by number. mute_controls: the errno with which
    some of them are not described, by number. refused: the errno of ioctls that fail, by their number.
    """

    fourcc: int
    width: int = 128
    height: int = 96
    capabilities: int = CAPTURE
    strides: list[int] = field(default_factory=lambda: [0])
    plane_bytes: int = 1 << 20
    colour: tuple[int, int, int, int] = (0, 0, 0, 0)
    formats: list[tuple[int, bytes]] = field(default_factory=list)
    driver: bytes = b"fake"
    card: bytes = b"Fake \xff camera"
    bus: bytes = b"bus-1"
    size_kind: int = 1
    queue: list[Sent] = field(default_factory=list)
    controls: dict[int, int] = field(default_factory=dict)
    known_controls: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    mute_controls: dict[int, int] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)
    most_buffers: int = 32
    granted: int = 0
    asked: int = 0
    free: set[int] = field(default_factory=set)
    next_sequence: int = 0
    is_streaming: bool = False
    path: Path = Path()

    def __post_init__(self) -> None:
        self.formats = self.formats or [(self.fourcc, b"")]

    @property
    def has_planes(self) -> bool:
        return bool(self.capabilities & PLANES)

    @property
    def kind(self) -> int:
        return 9 if self.has_planes else 1

    def answer(self, number: int, data: memoryview) -> None:
        """Answer an ioctl of type 'V', in place. Raises OSError."""
        if number in self.refused:
            raise OSError(self.refused[number], os.strerror(self.refused[number]))
        answers: dict[int, Callable[[memoryview], None]] = {
            0: self._capabilities, 2: self._format_number, 4: self._format, 5: self._set_format, 8: self._buffers,
            9: self._where, 15: self._enqueue, 17: self._dequeue, 18: self._start, 19: self._stop,
            21: self._rate, 22: self._rate, 28: self._control, 74: self._size, 75: self._interval,
            103: self._describe_control,
        }  # fmt: skip
        if number not in answers:
            raise OSError(errno.ENOTTY, "no such ioctl")
        answers[number](data)

    def _checked(self, data: memoryview, at: int = 0) -> None:
        if struct.unpack_from("=I", data, at)[0] != self.kind:
            raise OSError(errno.EINVAL, "a buffer type that the device has not")

    def _capabilities(self, data: memoryview) -> None:
        caps = self.capabilities | STREAMS
        struct.pack_into("=16s32s32sIII", data, 0, self.driver, self.card, self.bus, 7 << 16, caps | 1 << 31, caps)

    def _format_number(self, data: memoryview) -> None:
        self._checked(data, 4)
        index = struct.unpack_from("=I", data)[0]
        if index >= len(self.formats):
            raise OSError(errno.EINVAL, "no more")
        fourcc, description = self.formats[index]
        struct.pack_into("=I32sI", data, 8, 1 << 30, description, fourcc)

    def _format(self, data: memoryview) -> None:
        self._checked(data)
        form = (self.width, self.height, self.fourcc, 77)  # a field order that nobody knows
        if not self.has_planes:
            struct.pack_into("=4I3I2I3I", data, 8, *form, self.strides[0], self.plane_bytes, self.colour[0],
                             0xFEEDCAFE, 0, *self.colour[1:])  # fmt: skip
            return
        struct.pack_into("=4II", data, 8, *form, self.colour[0])
        for plane, stride in enumerate(self.strides):
            struct.pack_into("=II", data, 28 + 20 * plane, self.plane_bytes, stride)
        struct.pack_into("=BBBBB", data, 188, len(self.strides), 0, *self.colour[1:])

    def _set_format(self, data: memoryview) -> None:
        self._checked(data)
        self.width, self.height, fourcc = struct.unpack_from("=3I", data, 8)
        if fourcc in dict(self.formats):
            self.fourcc = fourcc
        self._format(data)

    def _buffers(self, data: memoryview) -> None:
        self._checked(data, 4)
        self.asked = min(struct.unpack_from("=I", data)[0], self.most_buffers)
        if self.asked:
            self.granted = self.asked
        struct.pack_into("=I", data, 0, self.asked)

    def _start(self, data: memoryview) -> None:
        self._checked(data)
        self.is_streaming = True

    def _stop(self, data: memoryview) -> None:
        self._checked(data)
        self.is_streaming = False

    def _planes_of(self, data: memoryview) -> Any:
        address, length = struct.unpack_from("=QI", data, 64)
        assert length >= len(self.strides), "too few planes for the driver"
        return memoryview((ctypes.c_ubyte * (64 * len(self.strides))).from_address(address)).cast("B")

    def _where(self, data: memoryview) -> None:
        self._checked(data, 4)
        index = struct.unpack_from("=I", data)[0]
        first = index * len(self.strides) * self.plane_bytes
        if not self.has_planes:
            struct.pack_into("=QI", data, 64, first, self.plane_bytes)
            return
        planes = self._planes_of(data)
        for plane in range(len(self.strides)):
            struct.pack_into("=IIQ", planes, 64 * plane, 0, self.plane_bytes, first + plane * self.plane_bytes)

    def _enqueue(self, data: memoryview) -> None:
        self._checked(data, 4)
        if self.has_planes:
            self._planes_of(data)
        self.free.add(struct.unpack_from("=I", data)[0])

    def _dequeue(self, data: memoryview) -> None:
        self._checked(data, 4)
        assert self.is_streaming, "a picture is asked for, and the camera was not started"
        if not self.queue or not self.free:
            time.sleep(0.001)
            raise BlockingIOError(errno.EAGAIN, "nothing yet")
        sent, index = self.queue.pop(0), min(self.free)
        self.free.remove(index)
        sequence = self.next_sequence if sent.sequence < 0 else sent.sequence
        if any(sent.payloads) or not sent.is_timeless:  # a buffer that was not filled has no number of its own
            self.next_sequence = (sequence + 1) % 2**32
        with self.path.open("r+b") as file:
            for plane, payload in enumerate(sent.payloads):
                file.seek((index * len(self.strides) + plane) * self.plane_bytes + sent.data_offset)
                file.write(payload)
        stamp_us = 0 if sent.is_timeless else (sent.stamp_ns or time.monotonic_ns()) // 1000
        used = [len(payload) + sent.data_offset for payload in sent.payloads]
        struct.pack_into("=IIII", data, 0, index, self.kind, 0 if self.has_planes else used[0], sent.flags)
        struct.pack_into("=QQ", data, 24, stamp_us // 10**6, stamp_us % 10**6)
        struct.pack_into("=I", data, 56, sequence)
        if self.has_planes:
            planes = self._planes_of(data)
            for plane, each in enumerate(used):
                struct.pack_into("=II8xI", planes, 64 * plane, each, self.plane_bytes, sent.data_offset)

    def _rate(self, data: memoryview) -> None:
        self._checked(data)
        struct.pack_into("=II", data, 12, 1, 25)

    def _control(self, data: memoryview) -> None:
        number, value = struct.unpack_from("=Ii", data)
        self.controls[number] = value

    def _describe_control(self, data: memoryview) -> None:
        asked = struct.unpack_from("=I", data)[0]
        above = asked & ~0xC0000000  # V4L2_CTRL_FLAG_NEXT_CTRL and _COMPOUND
        there = {each for each in self.known_controls if (each > above if asked != above else each == above)}
        number = min(there, default=None)
        if number is None:
            raise OSError(errno.EINVAL, "no more")
        if number in self.mute_controls:  # uvcvideo asks the camera, and tells neither number nor name if that fails
            raise OSError(self.mute_controls[number], os.strerror(self.mute_controls[number]))
        kind, name = self.known_controls[number]
        struct.pack_into("=II32s4q", data, 0, number, kind, name, 0, 100, 1, 7)

    def _size(self, data: memoryview) -> None:
        index = struct.unpack_from("=I", data)[0]
        if index:
            raise OSError(errno.EINVAL, "no more")
        struct.pack_into("=3I", data, 8, self.size_kind, self.width, self.height)

    def _interval(self, data: memoryview) -> None:
        index = struct.unpack_from("=I", data)[0]
        if index:
            raise OSError(errno.EINVAL, "no more")
        struct.pack_into("=3I", data, 16, 1, 1, 25)


def plug_in(monkeypatch: pytest.MonkeyPatch, folder: Path, *cameras: FakeCamera) -> list[Path]:
    """Make device nodes, video0 and so on, in the folder; opening one opens the fake device."""
    for node in folder.glob("video*"):
        node.unlink()
    nodes = {}
    for number, camera in enumerate(cameras):
        camera.path = path = folder / f"video{number}"
        path.touch()
        os.truncate(path, len(camera.strides) * camera.plane_bytes * 16)
        nodes[path.stat().st_ino] = camera
    real: Any = fcntl.ioctl

    def ioctl(descriptor: Any, request: int, *arguments: Any) -> int:
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        camera = nodes.get(Path(f"/proc/self/fd/{number}").stat().st_ino)
        if camera is None:
            return int(real(descriptor, request, *arguments))
        size, kind = request >> 16 & 0x3FFF, request >> 8 & 0xFF
        data = memoryview(arguments[0]).cast("B")
        assert kind == ord("V")
        assert size == len(data), f"ioctl {request & 0xFF}: {len(data)} bytes for {size}"
        camera.answer(request & 0xFF, data)
        return 0

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    return [folder / f"video{number}" for number in range(len(cameras))]
