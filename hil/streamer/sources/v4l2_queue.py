# SPDX-License-Identifier: Apache-2.0
"""The capture queue of a V4L2 device, single-planar or multi-planar.

Only the structures of v4l2py are used: its own capture supports one plane, and its enumerations raise at newer values.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
from fractions import Fraction
from typing import Any, NamedTuple

from .modes import Size
from .pixel_formats import fourcc_of, text_of
from .v4l2_abi import v4l2

# linux/videodev2.h
CAPTURE, CAPTURE_PLANES = 1, 9
CAN_CAPTURE, CAN_CAPTURE_PLANES, CAN_OUTPUT_PLANES = 0x1, 0x1000, 0x2000
_MMAP = 1
_FIELD_ANY = 0
_MAX_PLANES = 8


class Colour(NamedTuple):
    """Values of enum v4l2_colorspace, v4l2_ycbcr_encoding, v4l2_quantization and v4l2_xfer_func."""

    colorspace: int = 0
    ycbcr_enc: int = 0
    quantization: int = 0
    xfer_func: int = 0


class Format(NamedTuple):
    """A format.

    fourcc: as text. strides: bytes from line to line of each plane in memory, or 0 if the driver has none. bytes: of a
    buffer, with all planes.
    """

    fourcc: str
    size: Size
    strides: tuple[int, ...]
    colour: Colour
    bytes: int = 0


class Filled(NamedTuple):
    """A buffer that the driver has filled.

    place: its index in the queue. parts: (begin, end) of the content of each plane in memory. flags: V4L2_BUF_FLAG_*.
    sequence: the driver's sequence number. stamp_ns: the driver's timestamp.
    """

    place: int
    parts: tuple[tuple[int, int], ...]
    flags: int
    sequence: int
    stamp_ns: int


def capture_kind(capabilities: int) -> int | None:
    """Return the buffer type with which a device with these device_caps captures video, or None if it does not."""
    if capabilities & CAN_CAPTURE:
        return CAPTURE
    if capabilities & CAN_CAPTURE_PLANES and not capabilities & CAN_OUTPUT_PLANES:
        return CAPTURE_PLANES
    return None


class Queue:
    """The capture queue of an open v4l2py device. Every call raises OSError."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self.kind = capture_kind(v4l2.read_capabilities(device).device_caps) or CAPTURE
        self.has_planes = self.kind == CAPTURE_PLANES
        self._planes = 1

    def _ask(self, request: Any, argument: Any) -> Any:
        v4l2.ioctl(self._device, request, argument)
        return argument

    def format(self) -> Format:
        """Return the current format of the device."""
        form = self._ask(v4l2.IOC.G_FMT, v4l2.raw.v4l2_format(type=self.kind)).fmt
        pix = form.pix_mp if self.has_planes else form.pix
        planes = [pix]
        if self.has_planes:
            self._planes = min(max(pix.num_planes, 1), _MAX_PLANES)
            planes = pix.plane_fmt[: self._planes]
        strides = tuple(plane.bytesperline for plane in planes)
        colour = Colour(pix.colorspace, pix.ycbcr_enc, pix.quantization, pix.xfer_func)
        size = Size(pix.width, pix.height)
        return Format(text_of(pix.pixelformat), size, strides, colour, sum(plane.sizeimage for plane in planes))

    def set_format(self, fourcc: str, size: Size) -> Format:
        """Set format and size, and return what the driver made of them. It chooses the rest."""
        form = v4l2.raw.v4l2_format(type=self.kind)
        pix = form.fmt.pix_mp if self.has_planes else form.fmt.pix
        pix.width, pix.height, pix.pixelformat, pix.field = *size, fourcc_of(fourcc), _FIELD_ANY
        self._ask(v4l2.IOC.S_FMT, form)
        return self.format()

    def rate(self) -> float:
        """Return the frames per second, or 0 if the driver does not say."""
        interval = self._ask(v4l2.IOC.G_PARM, v4l2.raw.v4l2_streamparm(type=self.kind)).parm.capture.timeperframe
        return interval.denominator / interval.numerator if interval.numerator else 0.0

    def set_rate(self, fps: float) -> None:
        """Set the frames per second. The driver may choose another rate."""
        interval = 1 / Fraction(fps).limit_denominator(1 << 16)
        parameters = v4l2.raw.v4l2_streamparm(type=self.kind)
        parameters.parm.capture.timeperframe.numerator = interval.numerator
        parameters.parm.capture.timeperframe.denominator = interval.denominator
        self._ask(v4l2.IOC.S_PARM, parameters)

    def allocate(self, count: int) -> list[list[mmap.mmap]]:
        """Allocate buffers and enqueue them all. Raises ValueError if the driver gives some of 0 bytes.

        Returns the mapped planes of each; the driver may choose another count.
        """
        request = v4l2.raw.v4l2_requestbuffers(count=count, type=self.kind, memory=_MMAP)
        granted = self._ask(v4l2.IOC.REQBUFS, request).count
        if not granted:
            raise OSError(errno.ENOMEM, "the driver has no memory for buffers")
        try:
            buffers = [self._map(index) for index in range(granted)]
        except (OSError, ValueError):
            self.free()  # else the driver takes no other format
            raise
        for index in range(granted):
            self.enqueue(index)
        return buffers

    def _map(self, index: int) -> list[mmap.mmap]:
        buffer, planes = self._buffer(index)
        self._ask(v4l2.IOC.QUERYBUF, buffer)
        places = [(buffer.length, buffer.m.offset)]
        if self.has_planes:
            places = [(plane.length, plane.m.mem_offset) for plane in planes]
        return [mmap.mmap(self._device.fileno(), length, offset=offset) for length, offset in places]

    def _buffer(self, index: int = 0) -> tuple[Any, Any]:
        """Return (the kernel's description of a buffer, its planes).

        The planes must live as long as the description.
        """
        planes = (v4l2.raw.v4l2_plane * self._planes)()
        buffer = v4l2.raw.v4l2_buffer(index=index, type=self.kind, memory=_MMAP)
        if self.has_planes:
            buffer.m.planes = ctypes.cast(planes, ctypes.POINTER(v4l2.raw.v4l2_plane))
            buffer.length = self._planes
        return buffer, planes

    def enqueue(self, index: int) -> None:
        """Let the driver fill a buffer."""
        buffer, _planes = self._buffer(index)
        self._ask(v4l2.IOC.QBUF, buffer)

    def dequeue(self) -> Filled:
        """Return the next filled buffer. Raises BlockingIOError if there is none."""
        buffer, planes = self._buffer()
        self._ask(v4l2.IOC.DQBUF, buffer)
        parts: tuple[tuple[int, int], ...] = ((0, buffer.bytesused),)
        if self.has_planes:
            parts = tuple((plane.data_offset, max(plane.bytesused, plane.data_offset)) for plane in planes)
        stamp_ns = buffer.timestamp.secs * 1_000_000_000 + buffer.timestamp.usecs * 1000
        return Filled(buffer.index, parts, buffer.flags, buffer.sequence, stamp_ns)

    def start(self) -> None:
        """Start streaming."""
        self._ask(v4l2.IOC.STREAMON, ctypes.c_uint(self.kind))

    def stop(self) -> None:
        """Stop streaming. All buffers are dequeued."""
        self._ask(v4l2.IOC.STREAMOFF, ctypes.c_uint(self.kind))

    def free(self) -> None:
        """Free the driver's buffers. What is mapped stays until it is unmapped."""
        self._ask(v4l2.IOC.REQBUFS, v4l2.raw.v4l2_requestbuffers(count=0, type=self.kind, memory=_MMAP))
