# SPDX-License-Identifier: Apache-2.0
"""A camera's buffers, which are mapped, read in place, and given back when no picture uses them any more."""

from __future__ import annotations

import contextlib
import mmap
import select
import threading
import time
import weakref
from dataclasses import dataclass
from typing import Any

import av

from .capture_time import FLAG_ERROR
from .modes import ENCODED, Mode
from .v4l2_colour import colour_of_format
from .v4l2_errors import STREAMON, starting
from .v4l2_layout import Layout
from .v4l2_queue import Filled, Queue

# Of encoded pictures, which may come in several buffers, and none of which may be lost.
MOST_ENCODED, MOST_ENCODED_BYTES = 16, 32 << 20


@dataclass(slots=True)
class Buffer:
    """A filled buffer. dequeued_ns: CLOCK_MONOTONIC."""

    owner: Buffers
    filled: Filled
    dequeued_ns: int

    @property
    def flags(self) -> int:
        """V4L2_BUF_FLAG_*."""
        return self.filled.flags

    @property
    def sequence(self) -> int:
        """The driver's sequence number."""
        return self.filled.sequence

    @property
    def stamp_ns(self) -> int:
        """The driver's timestamp, in ns."""
        return self.filled.stamp_ns

    @property
    def is_bad(self) -> bool:
        """Whether the driver flagged it as damaged, or it has fewer bytes than a picture."""
        there = [end - begin for begin, end in self.filled.parts]
        return bool(self.filled.flags & FLAG_ERROR) or not self.owner.layout.is_whole(there)

    @property
    def is_cancelled(self) -> bool:
        """Whether the driver gives it back as it got it: flagged, without content, number and time."""
        filled = self.filled
        is_empty = all(begin == end for begin, end in filled.parts)
        return bool(filled.flags & FLAG_ERROR) and is_empty and filled.sequence == 0 == filled.stamp_ns

    def data(self) -> bytes:
        """Return a copy of the content."""
        return b"".join(self._parts())

    def give_back(self) -> None:
        """Let the driver fill it again."""
        self.owner.give_back(self.filled.place)

    def picture(self) -> av.VideoFrame:
        """Return the picture, in place if PyAV supports that. The buffer is given back when the picture is freed."""
        layout, parts = self.owner.layout, self._parts()
        if layout.copies:
            picture = layout.copied(parts)
            self.give_back()
            return self.owner.colour.put_on(picture)
        rows = layout.rows(parts[0])
        weakref.finalize(rows, self.owner.give_back, self.filled.place).atexit = False
        return self.owner.colour.put_on(layout.in_place(rows))

    def _parts(self) -> list[memoryview]:
        """Return the content of each plane in memory."""
        mappings = self.owner.mappings[self.filled.place]
        return [
            memoryview(mapping)[begin:end] for mapping, (begin, end) in zip(mappings, self.filled.parts, strict=True)
        ]


class Buffers:
    """Configures an open v4l2py device, which start() lets stream. Raises OSError or ValueError.

    size, fps, colour: what the driver made of the mode. told_colour: the same in V4L2's numbers. The device is closed
    with this object. count: buffers of raw pictures; of encoded ones there are more, as long as they are small.
    """

    def __init__(self, device: Any, mode: Mode, count: int) -> None:
        self.device = device
        self._queue = Queue(device)
        self._guard = threading.RLock()  # buffers are given back on any thread, whenever Python frees a picture
        self._over = False
        with starting("VIDIOC_S_FMT"):
            form = self._queue.set_format(mode.fourcc, mode.size)
        if form.fourcc != mode.fourcc:
            raise ValueError(f"it was set to {mode.fourcc}, and gives {form.fourcc}")
        if not form.bytes:
            raise ValueError(f"{form.fourcc} in buffers of 0 bytes")
        self.size, self.layout = form.size, Layout(form)
        self.told_colour = form.colour
        self.colour = colour_of_format(form.colour, self.layout.is_rgb, self.layout.is_grey)
        with contextlib.suppress(OSError):  # the driver has no rates
            if mode.fps:
                self._queue.set_rate(mode.fps)
        self.fps = mode.fps
        with contextlib.suppress(OSError):
            self.fps = self._queue.rate() or mode.fps
        if form.fourcc in ENCODED:
            count = max(count, min(MOST_ENCODED, MOST_ENCODED_BYTES // max(form.bytes, 1)))
        with starting("VIDIOC_REQBUFS"):
            self.mappings: list[list[mmap.mmap]] = self._queue.allocate(count)
        self._is_streaming = False
        self._ready = select.poll()
        self._ready.register(device.fileno(), select.POLLIN | select.POLLERR)

    def start(self) -> None:
        """Let pictures come. Done last, since pictures that nothing is ready for would wait in it until they are lost.

        Raises StartError. A second call does nothing.
        """
        if not self._is_streaming:
            with starting(STREAMON):
                self._queue.start()
            self._is_streaming = True

    def dequeue(self, timeout_s: float) -> Buffer | None:
        """Return the next filled buffer, or None after timeout_s seconds. Raises OSError if the camera is gone."""
        if not self._ready.poll(timeout_s * 1000):
            return None
        try:
            filled = self._queue.dequeue()
        except BlockingIOError:
            return None
        sizes = map(len, self.mappings[filled.place])  # the end of the mapping, whatever the driver says
        parts = tuple(
            (min(begin, size), min(end, size)) for (begin, end), size in zip(filled.parts, sizes, strict=True)
        )
        filled = filled._replace(parts=parts)
        return Buffer(self, filled, time.monotonic_ns())

    def give_back(self, index: int) -> None:
        """Let the driver fill a buffer again. Called on any thread; does nothing if the camera is gone."""
        with self._guard, contextlib.suppress(OSError):
            if not self._over:
                self._queue.enqueue(index)

    def close(self) -> None:
        """Stop and close the device. Mappings stay until their last picture is freed. A second call does nothing."""
        with self._guard:
            if self._over:
                return
            self._over = True
            with contextlib.suppress(OSError):
                self._queue.stop()
            self._let_go()
            self.device.close()

    def _let_go(self) -> None:
        self.mappings = []
        # Otherwise the driver keeps the device busy until the last of these pictures is freed.
        with contextlib.suppress(OSError):
            self._queue.free()
