# SPDX-License-Identifier: Apache-2.0
"""Reads a V4L2 camera through v4l2py. Raw pictures stay in the driver's buffers if PyAV supports their layout."""

from __future__ import annotations

import contextlib
import errno
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import av

from vshm_ctypes import Codec

from ..colour import colour_of
from ..log import LOG
from .capture_time import CaptureClock, CaptureTime
from .devices import DeviceInfo, choose_device
from .modes import ENCODED, Wanted, choose_mode
from .numbering import Numbering
from .source import Captured, SourceError, Trouble
from .unit_assembler import UnitAssembler
from .v4l2_abi import v4l2
from .v4l2_buffers import Buffer, Buffers, StartError
from .v4l2_colour import colour_of_jpeg
from .v4l2_devices import offers_of, video_devices
from .v4l2_queue import Queue

_CAUSES: dict[int, tuple[Trouble, str]] = {
    errno.ENODEV: ("unplugged", "it was unplugged"),
    errno.ENXIO: ("unplugged", "it was unplugged"),
    errno.ENOENT: ("unplugged", "it was unplugged"),
    errno.EIO: ("fatal", "a fatal streaming error"),
    errno.EBUSY: ("failed", "another program uses it"),
    errno.EACCES: ("failed", "permission denied; be root, or in the group video"),
}
# linux/v4l2-controls.h: controls of cameras that encode by themselves.
_BIT_RATE, _GOP, _FORCE_KEYFRAME = 0x009909CF, 0x009909CB, 0x009909E5


@contextmanager
def told_as_source_error(what: str = "") -> Iterator[None]:
    """Turn OSError and v4l2py's exceptions into a SourceError that states the cause, with what in front of it."""
    what = f"{what}: " if what else ""
    try:
        yield
    except SourceError as error:
        raise SourceError(error.errno or 0, f"{what}{error.strerror}", error.kind) from None
    except OSError as error:
        number = error.errno or 0
        kind, cause = _CAUSES.get(number, ("failed", error.strerror or str(error)))
        if isinstance(error, StartError) and kind != "unplugged":
            kind, cause = "streamon", f"it does not start (VIDIOC_STREAMON: {error.strerror})"
        raise SourceError(number, f"{what}{cause}", kind) from None
    except (v4l2.V4L2Error, ValueError) as error:
        raise SourceError(0, f"{what}{error}") from None


class V4l2Source:
    """A camera. words: auto, or a device's path, driver, card or bus. Once found, the same camera is reopened."""

    live = True

    def __init__(self, words: str, wanted: Wanted) -> None:
        self.name = words
        self.width = self.height = 0
        self.fps = 0.0
        self.codec: Codec | None = None
        self._numbering = Numbering()
        self._clock = CaptureClock()
        self._words = words
        self._camera: DeviceInfo | None = None
        self._wanted = wanted
        self._buffers: Buffers | None = None
        self._assembler: UnitAssembler | None = None
        self._decoder: Any = None
        self._ready: deque[Captured] = deque()

    def open(self) -> None:
        """Find the device, configure it and start it. Raises SourceError."""
        devices, failures = video_devices()
        passed_over: list[str] = []
        while True:
            try:
                info, said = self._choose(devices)
            except SourceError as error:
                there = "; ".join([*(passed_over or [error.strerror or ""]), *failures])
                raise SourceError(0, there, error.kind) from None
            try:
                with told_as_source_error(str(info)):
                    self._start(info)
                break
            except SourceError as error:
                if self._words != "auto" or error.kind != "unsuitable" or self._camera is not None:
                    raise
                passed_over.append(error.strerror or "")
                said.append(f"{error.strerror}: passed over")
                devices.remove(info)
            finally:
                for line in said if self._camera is None else []:
                    LOG.info("%s", line)
        self._camera = info

    def _choose(self, devices: list[DeviceInfo]) -> tuple[DeviceInfo, list[str]]:
        """Return the device that was named; once a camera was found, the same one, whatever its number is now."""
        if self._camera is None or self._words.startswith("/"):
            return choose_device(self._words, devices)
        try:
            return choose_device(self._camera.bus, devices)
        except SourceError:
            found = [device for device in devices if device.is_same_camera(self._camera)]
            if self._words == self._camera.bus or not found:
                raise
            return choose_device(str(found[0].path), found)

    def _start(self, info: DeviceInfo) -> None:
        device = v4l2.Device(str(info.path))
        device.open()
        try:
            mode = choose_mode(list(offers_of(device)), Queue(device).format().size, self._wanted)
            native = ENCODED.get(mode.fourcc)
            if native is not None and native == self._wanted.codec:
                self._control(device, _BIT_RATE, self._wanted.bit_rate)
                self._control(device, _GOP, self._wanted.gop)
            buffers = Buffers(device, mode, 2 + 2 * self._wanted.lanes)
        except BaseException:
            device.close()
            raise
        self._buffers, self.name = buffers, str(info)
        self.width, self.height, self.fps = buffers.size.width, buffers.size.height, buffers.fps
        self.codec = native if self._wanted.copy or native == self._wanted.codec else None
        self._assembler = UnitAssembler(native) if native is not None else None
        self._decoder = av.CodecContext.create("mjpeg", "r") if native is not None and self.codec is None else None
        self._ready.clear()
        self._numbering.begin()
        self._clock.begin(self.name)
        LOG.info("%s: %s %dx%d at %g fps", self.name, mode.fourcc, self.width, self.height, self.fps)

    @staticmethod
    def _control(device: Any, number: int, value: int) -> None:
        with contextlib.suppress(OSError):  # this control is optional
            if value:
                v4l2.set_control(device, number, value)

    def read(self, timeout_s: float) -> Captured | None:
        """Return the next picture, or None. Raises SourceError if the camera was unplugged, or failed."""
        captured = self._next(timeout_s)
        if captured is not None and not captured.bad:
            when = self._clock.onwards(CaptureTime(captured.capture_ns, captured.from_driver))
            captured.capture_ns, captured.from_driver = when
        return captured

    def _next(self, timeout_s: float) -> Captured | None:
        if self._buffers is None:
            raise SourceError(0, f"{self.name}: not open")
        if self._ready:
            return self._ready.popleft()
        with told_as_source_error():
            buffer = self._buffers.dequeue(timeout_s)
        if buffer is None:
            return None
        lost = self._numbering.take(buffer.sequence)
        when = self._clock.date(buffer.flags, buffer.stamp_ns, buffer.dequeued_ns)
        captured = Captured(when.capture_ns, sequence=buffer.sequence, from_driver=when.from_driver)
        if self._assembler is not None:
            captured.discontinuity = lost > 0 and self.codec is not None  # encoded pictures depend on each other
            self._ready += self._encoded(self._assembler, captured, buffer)
            return self._ready.popleft() if self._ready else None
        if buffer.is_bad:
            buffer.give_back()
            captured.bad = True
        else:
            captured.picture = buffer.picture()
        return captured

    def _encoded(self, assembler: UnitAssembler, captured: Captured, buffer: Buffer) -> list[Captured]:
        is_bad, data = buffer.is_bad, buffer.data()
        buffer.give_back()
        found = assembler.lose(captured) if is_bad else assembler.take(data, captured)
        return found if self._decoder is None else [self._decoded(each) for each in found]

    def _decoded(self, captured: Captured) -> Captured:
        """Decode a JPEG picture, for channels of another codec."""
        if captured.unit is None or self._buffers is None:
            return captured
        with contextlib.suppress(av.FFmpegError):  # it was damaged in transmission
            for picture in self._decoder.decode(av.Packet(captured.unit.data)):
                colour = colour_of_jpeg(self._buffers.told_colour, colour_of(picture))
                return replace(captured, unit=None, picture=colour.put_on(picture))
        return replace(captured, unit=None, bad=True)

    def want_keyframe(self) -> None:
        """Make the next picture a keyframe, if the camera encodes by itself and can."""
        if self._buffers is not None and self.codec is not None:
            self._control(self._buffers.device, _FORCE_KEYFRAME, 1)

    def figures(self) -> dict[str, int]:
        """Return lost, jumps and wraps of the driver's numbers, and the counters of CaptureClock."""
        numbering = {name: value for name, value in asdict(self._numbering).items() if not name.startswith("_")}
        return numbering | self._clock.figures()

    def close(self) -> None:
        """Stop the camera and close it. Pictures that others still hold stay readable."""
        if self._buffers is not None:
            self._buffers.close()
            self._buffers = None
