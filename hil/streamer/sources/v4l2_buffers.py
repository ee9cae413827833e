# SPDX-License-Identifier: Apache-2.0
"""A camera's buffers, shared with its driver: dequeued, looked at in place, given back when nobody looks any more."""

from __future__ import annotations

import contextlib
import select
import threading
import time
import weakref
from dataclasses import dataclass
from typing import Any

import av
import numpy
from numpy.typing import NDArray

from ...v4l2_library import v4l2
from .modes import RAW, Mode, Size
from .v4l2_devices import VIDEO_CAPTURE, text_of

FLAG_ERROR = 0x40  # linux/videodev2.h
PLANES = {"yuv420p": 2, "nv12": 1}  # how many lines of colour lie in one of brightness
_BYTES_PER_PIXEL = {"yuv420p": 1, "nv12": 1, "gray": 1, "yuyv422": 2, "rgb24": 3, "bgr24": 3}


class StartError(OSError):
    """STREAMON failed."""


@dataclass(slots=True)
class Buffer:
    """One that the driver has filled. stamp_ns: the driver's; dequeued_ns: CLOCK_MONOTONIC."""

    owner: Buffers
    index: int
    used: int
    flags: int
    sequence: int
    stamp_ns: int
    dequeued_ns: int

    @property
    def is_bad(self) -> bool:
        """The driver says that it is damaged, or there is less in it than a picture."""
        return bool(self.flags & FLAG_ERROR) or self.used < max(self.owner.picture_bytes, 1)

    def data(self) -> bytes:
        """A copy."""
        return bytes(self.owner.mapping(self.index)[: self.used])

    def give_back(self) -> None:
        """The driver may fill it again."""
        self.owner.give_back(self.index)

    def picture(self) -> av.VideoFrame:
        """In place where PyAV can do that; the buffer is given back by itself when the picture is gone."""
        owner = self.owner
        if owner.copies:
            picture = av.VideoFrame.from_ndarray(owner.packed(self.index), format=owner.pixels)
            self.give_back()
            return picture
        rows = owner.rows(self.index)
        weakref.finalize(rows, owner.give_back, self.index).atexit = False
        return av.VideoFrame.from_numpy_buffer(rows, format=owner.pixels, width=owner.size.width)


class Buffers:
    """Sets an open v4l2py device to the mode, and starts it. Raises OSError, V4L2Error, ValueError.

    size, fps: what the driver made of the mode. The device belongs to it, and is closed with it.
    """

    def __init__(self, device: Any, mode: Mode, count: int) -> None:
        self.device = device
        self._capture = v4l2.VideoCapture(device, size=count)
        self._guard = threading.RLock()  # buffers come back from any thread, and whenever Python frees a picture
        self._over = False
        self._capture.set_format(mode.size.width, mode.size.height, mode.fourcc)
        form = v4l2.get_raw_format(device, VIDEO_CAPTURE).fmt.pix
        if text_of(form.pixelformat) != mode.fourcc:
            raise ValueError(f"it was set to {mode.fourcc}, and gives {text_of(form.pixelformat)}")
        self.pixels = RAW.get(mode.fourcc, "")
        self.size = Size(form.width, form.height)
        self._stride = form.bytesperline or form.width * _BYTES_PER_PIXEL.get(self.pixels, 1)
        with contextlib.suppress(OSError):  # a driver without rates
            if mode.fps:
                self._capture.set_fps(mode.fps)
        self.fps = mode.fps
        with contextlib.suppress(OSError, ZeroDivisionError):
            self.fps = float(self._capture.get_fps())
        self._capture.arm()
        self._mappings = list(self._capture.buffer.buffers)
        try:
            self._capture.stream_on()
        except OSError as error:
            self._let_go()
            raise StartError(error.errno, error.strerror) from None
        self._ready = select.poll()
        self._ready.register(device.fileno(), select.POLLIN | select.POLLERR)

    @property
    def copies(self) -> bool:
        """Whether PyAV takes these pictures by copy only: packed YUV, and planes of a height that it would round."""
        return self.pixels == "yuyv422" or (self.pixels in PLANES and self.size.height % 4 != 0)

    def mapping(self, index: int) -> memoryview:
        """The bytes of one."""
        return memoryview(self._mappings[index])

    @property
    def _lines(self) -> int:
        return self.size.height * 3 // 2 if self.pixels in PLANES else self.size.height

    @property
    def picture_bytes(self) -> int:
        """Of a raw picture; 0: it is an encoded one, of any size."""
        return self._lines * self._stride if self.pixels else 0

    def rows(self, index: int) -> NDArray[numpy.uint8]:
        """The bytes of one as PyAV wants them: lines, and pixels of several bytes in a third dimension."""
        flat = numpy.frombuffer(self._mappings[index], numpy.uint8, self.picture_bytes)
        rows, pixel = flat.reshape(self._lines, self._stride), _BYTES_PER_PIXEL[self.pixels]
        return rows if pixel == 1 else rows[:, : self.size.width * pixel].reshape(self._lines, self.size.width, pixel)

    def packed(self, index: int) -> NDArray[numpy.uint8]:
        """The same as a copy, without what the driver leaves at the end of each line."""
        rows, (width, height) = self.rows(index), self.size
        if self.pixels not in PLANES:
            return numpy.ascontiguousarray(rows)
        colour = rows[height:].reshape(-1, self._stride // PLANES[self.pixels])  # U under V, or both in one line
        colour = colour[:, : width // PLANES[self.pixels]]
        return numpy.concatenate([rows[:height, :width].ravel(), colour.ravel()]).reshape(-1, width)

    def dequeue(self, timeout_s: float) -> Buffer | None:
        """The next one that is filled; None: none was in time. Raises OSError: the camera is gone."""
        if not self._ready.poll(timeout_s * 1000):
            return None
        try:
            raw = self._capture.dequeue_buffer(v4l2.Memory.MMAP)
        except BlockingIOError:
            return None
        dequeued_ns = time.monotonic_ns()
        stamp_ns = raw.timestamp.secs * 1_000_000_000 + raw.timestamp.usecs * 1000
        return Buffer(self, raw.index, raw.bytesused, raw.flags, raw.sequence, stamp_ns, dequeued_ns)

    def give_back(self, index: int) -> None:
        """The driver may fill it again; from any thread. A camera that is gone takes nothing back."""
        with self._guard, contextlib.suppress(OSError):
            if not self._over:
                self._capture.enqueue_buffer(v4l2.Memory.MMAP, 0, index)

    def close(self) -> None:
        """Stop and close the device. A mapping goes when the last picture in it does; twice is fine."""
        with self._guard:
            if self._over:
                return
            self._over = True
            with contextlib.suppress(OSError):
                self._capture.stream_off()
            self._let_go()
            self.device.close()

    def _let_go(self) -> None:
        # Not v4l2py's own way, which would unmap buffers in which pictures are still looked at.
        self._mappings = []
        self._capture.buffer.buffers = None
        self._capture.buffer = None
        # Else the driver keeps the device busy until the last of those pictures is gone.
        with contextlib.suppress(OSError):
            self._capture.free_buffers(v4l2.Memory.MMAP)
