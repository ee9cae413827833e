# SPDX-License-Identifier: Apache-2.0
"""Reads a V4L2 camera through v4l2py. Raw pictures stay in the driver's buffers if PyAV supports their layout."""

from __future__ import annotations

import contextlib
import errno
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import ParameterSets

from ..colour import colour_of
from ..log import LOG
from .bus_room import BusRoom
from .capture_time import CaptureClock, CaptureTime
from .devices import DeviceInfo
from .jpeg_assembler import JpegAssembler
from .jpeg_decoder import JpegDecoder
from .keeper import KEEP_S, Keeper
from .modes import ENCODED, Wanted, choose_mode
from .numbering import Numbering
from .rate_watch import RateWatch
from .source import Captured, SourceError
from .unit_assembler import UnitAssembler
from .usb_reset import Rescue
from .v4l2_abi import v4l2
from .v4l2_buffers import Buffer, Buffers
from .v4l2_colour import colour_of_jpeg
from .v4l2_controls import set_controls
from .v4l2_devices import device_at, offers_of, video_devices
from .v4l2_errors import IN_USE, StartError, starting, told_as_source_error
from .v4l2_queue import Queue

# linux/v4l2-controls.h: controls of cameras that encode by themselves.
_BIT_RATE, _GOP, _FORCE_KEYFRAME = 0x009909CF, 0x009909CB, 0x009909E5


class V4l2Source:
    """A camera. words: auto, or a device's path, driver, card or bus. Once it has streamed, it is kept to.

    keep_s: how long it may be gone before another one is taken, where the words allow that.
    """

    live = True

    def __init__(self, words: str, wanted: Wanted, keep_s: float = KEEP_S) -> None:
        self.name = words
        self.width = self.height = 0
        self.fps = 0.0
        self.codec: Codec | None = None
        self._numbering = Numbering()
        self._clock = CaptureClock()
        self._cancelled = 0
        self._words = words
        self._keeper, self._rescue = Keeper(words, keep_s), Rescue()
        self._wanted = wanted
        self._buffers: Buffers | None = None
        self._room = BusRoom()
        self._fourcc = self._other = ""  # what it gives, and what it would where its bus has no room for that
        self._start: Callable[[], None] | None = None  # what is left to do until pictures come
        self._assembler: UnitAssembler | JpegAssembler | None = None
        self._sets: dict[Codec, ParameterSets] = {}  # what a camera has said once it need not say again
        self._jpeg_decoder = JpegDecoder()
        self._ready: deque[Captured] = deque()
        self._said: set[str] = set()

    def open(self) -> None:
        """Find the device and configure it. It starts when the first picture is asked for. Raises SourceError."""
        devices, failures = video_devices()
        path = Path(self._words)
        if path.is_absolute() and path.exists() and path.resolve() not in [device.path for device in devices]:
            try:
                devices.append(device_at(path))  # such as one that a container has by another name
            except SourceError as error:
                failures = [error]
        try:
            candidates, said = self._keeper.candidates(devices)
        except SourceError as error:
            # Of a camera that has streamed it is said once that it is gone, whatever happens to others.
            raise error if self._keeper.has_camera else _together([error, *failures]) from None
        self._say(said)
        failed: list[SourceError] = []
        for info in candidates:
            try:
                with told_as_source_error(str(info)):
                    self._rescue.before_opening(info.identity.port if info.identity.model else "")
                    self._configure(info)
            except SourceError as error:
                self._rescue.failed(error.errno or 0)
                failed.append(error)
                if not (self._keeper.goes_on(info) and (error.kind == "unsuitable" or error.errno in IN_USE)):
                    raise _together(failed) from None
                self._say([f"{error.strerror}: passed over"] if info != candidates[-1] else [])
            else:
                self._start = partial(self._let_stream, info, devices)
                return
        raise _together([*failed, *failures])

    def _say(self, lines: Iterable[str]) -> None:
        """Log lines that were not logged before."""
        for line in lines:
            if line not in self._said:
                self._said.add(line)
                LOG.info("%s", line)

    def _configure(self, info: DeviceInfo) -> None:
        device = v4l2.Device(str(info.path))
        with starting("open"):
            device.open()
        try:
            self._say(f"{info}: {text}" for text in set_controls(device, self._wanted.controls))
            buffers = self._settle(device, info)
        except BaseException:
            device.close()
            raise
        native = ENCODED.get(self._fourcc)
        self._buffers, self.name = buffers, str(info)
        self.width, self.height, self.fps = buffers.size.width, buffers.size.height, buffers.fps
        self.codec = native if self._wanted.copy or native == self._wanted.codec else None
        self._assembler = self._assembler_of(native)
        self._ready.clear()
        self._numbering.begin()
        self._rate = RateWatch(self.fps)

    def _settle(self, device: Any, info: DeviceInfo) -> Buffers:
        """Set the best format that the driver does not only list. Raises OSError, ValueError or SourceError."""
        size, offers, is_full = Queue(device).format().size, list(offers_of(device)), self._room.is_full
        refused: Exception | None = None
        while True:
            try:
                mode, other = (choose_mode(offers, size, self._wanted, each) for each in (is_full, not is_full))
            except SourceError as error:
                raise refused or error from None
            if refused is not None:
                self._say([f"{info}: {refused}: {self._fourcc} is passed over"])
            native = ENCODED.get(mode.fourcc)
            if native is not None and native == self._wanted.codec:
                self._control(device, _BIT_RATE, self._wanted.bit_rate)
                self._control(device, _GOP, self._wanted.gop)
            self._fourcc, self._other = mode.fourcc, other.fourcc
            try:
                return Buffers(device, mode, 2 + 2 * self._wanted.lanes)
            except (StartError, ValueError) as error:
                if isinstance(error, StartError) and error.errno != errno.EINVAL:
                    raise
                refused = error
                offers = [offer for offer in offers if offer.fourcc != mode.fourcc]

    def _let_stream(self, info: DeviceInfo, devices: Sequence[DeviceInfo]) -> None:
        """Start the camera that was opened among these devices. Raises SourceError."""
        assert self._buffers is not None
        self._room.begin(self._fourcc, self._other)
        try:
            with told_as_source_error(str(info)):
                self._buffers.start()
        except SourceError as error:
            self._rescue.failed(error.errno or 0)
            if error.errno == errno.ENOSPC and (said := self._room.refused()):
                self._say([f"{info}: {said}"])
            elif error.errno in IN_USE:
                self._keeper.is_used(info)
            raise
        self._start = None
        LOG.info("%s: %s %dx%d at %g fps", self.name, self._fourcc, self.width, self.height, self.fps)
        self._clock.begin(self.name)
        self._keeper.began(info, devices)

    def _assembler_of(self, native: Codec | None) -> UnitAssembler | JpegAssembler | None:
        if native == Codec.JPEG:
            return JpegAssembler(self._jpeg_decoder, decodes=self.codec is None)
        if native is None:
            return None
        return UnitAssembler(native, self._sets.setdefault(native, ParameterSets(native)))

    @staticmethod
    def _control(device: Any, number: int, value: int) -> None:
        with contextlib.suppress(OSError):  # this control is optional
            if value:
                v4l2.set_control(device, number, value)

    def read(self, timeout_s: float) -> Captured | None:
        """Return the next picture, or None. Raises SourceError if the camera was unplugged, or failed."""
        captured = self._next(timeout_s)
        if captured is not None and (said := self._room.take(not captured.bad)):
            raise SourceError(0, said)
        if captured is not None and not captured.bad:
            when = self._clock.onwards(CaptureTime(captured.capture_ns, captured.from_driver))
            captured.capture_ns, captured.from_driver = when
        return captured

    def _next(self, timeout_s: float) -> Captured | None:
        if self._buffers is None:
            raise SourceError(0, f"{self.name}: not open")
        if self._ready:
            return self._ready.popleft()
        if self._start is not None:
            self._start()
        with told_as_source_error():
            buffer = self._buffers.dequeue(timeout_s)
        if buffer is None:
            return None
        if buffer.is_cancelled:
            buffer.give_back()
            self._cancelled += 1
            return None
        self._keeper.streams()
        self._rescue.streams()
        missing = self._numbering.take(buffer.sequence)
        when = self._clock.date(buffer.flags, buffer.stamp_ns, buffer.dequeued_ns)
        self._watch_rate(self._rate.take(when.capture_ns, missing))
        captured = Captured(when.capture_ns, sequence=buffer.sequence, from_driver=when.from_driver)
        if self._assembler is not None:
            captured.discontinuity = missing != 0 and self.codec is not None  # encoded pictures depend on each other
            self._ready += self._encoded(self._assembler, captured, buffer)
            return self._ready.popleft() if self._ready else None
        if buffer.is_bad:
            buffer.give_back()
            captured.bad = True
        else:
            captured.picture = buffer.picture()
        return captured

    def _watch_rate(self, slow_fps: float | None) -> None:
        if slow_fps is not None:
            advice = "in the dark cameras expose longer, unless --control exposure_dynamic_framerate=0 forbids it"
            text = f"{self.name}: it gives {slow_fps:.1f} pictures a second, not the {self.fps:g} agreed on; {advice}"
            self._say([text])

    def _encoded(self, assembler: UnitAssembler | JpegAssembler, captured: Captured, buffer: Buffer) -> list[Captured]:
        is_bad, data = buffer.is_bad, buffer.data()
        buffer.give_back()
        found = assembler.lose(captured) if is_bad else assembler.take(data, captured)
        for each in found:
            if each.picture is not None and self._buffers is not None:
                colour = colour_of_jpeg(self._buffers.told_colour, colour_of(each.picture))
                each.picture = colour.put_on(each.picture)
        return found

    def want_keyframe(self) -> None:
        """Make the next picture a keyframe, if the camera encodes by itself and can."""
        if self._buffers is not None and self.codec is not None:
            self._control(self._buffers.device, _FORCE_KEYFRAME, 1)

    def figures(self) -> dict[str, int]:
        """Return the counters of the driver's numbers, those of CaptureClock, and three more.

        cancelled: buffers that the driver gave back without ever filling them, as it does after failed transfers.
        unchecked: JPEG pictures that were passed on without a check. resets: of a USB camera that had hung.
        """
        numbering = {name: value for name, value in asdict(self._numbering).items() if not name.startswith("_")}
        counts = {"cancelled": self._cancelled, "unchecked": self._jpeg_decoder.unchecked}
        counts["resets"] = self._rescue.resets
        return numbering | self._clock.figures() | counts

    def close(self) -> None:
        """Stop the camera and close it. Pictures that others still hold stay readable."""
        if self._buffers is not None:
            self._buffers.close()
            self._say(f"{self.name}: {said}" for said in [self._room.end()] if said)
            self._buffers = self._start = None


def _together(errors: Sequence[SourceError]) -> SourceError:
    """Return one error for several. It may pass if one of them may."""
    kinds = [error.kind for error in errors]
    text = "; ".join(error.strerror or "" for error in errors)
    return SourceError(errors[0].errno or 0, text, "streamon" if "streamon" in kinds else kinds[0])
