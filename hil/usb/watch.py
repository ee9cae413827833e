# SPDX-License-Identifier: Apache-2.0
"""Watches a camera as a program does that uses V4L2: each buffer as the driver hands it out, and each failure."""

from __future__ import annotations

import contextlib
import errno
import select
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from ..streamer.sources.capture_time import FLAG_ERROR
from ..streamer.sources.modes import Size
from ..streamer.sources.v4l2_abi import v4l2
from ..streamer.sources.v4l2_queue import Queue

_BUFFERS = 4
_LOOK_MS = 100
_EVENTS = {select.POLLERR: "POLLERR", select.POLLHUP: "POLLHUP", select.POLLPRI: "POLLPRI", select.POLLNVAL: "POLLNVAL"}


class Buffer(NamedTuple):
    """A buffer. got_ns: CLOCK_MONOTONIC when it was dequeued. stamp_ns: the driver's time of it."""

    got_ns: int
    sequence: int
    bytes: int
    error: bool
    stamp_ns: int

    @property
    def cancelled(self) -> bool:
        """Whether it was handed back as it was: flagged, without bytes, sequence and time."""
        return self.error and not (self.bytes or self.sequence or self.stamp_ns)


class Failure(NamedTuple):
    """A call that failed. name: of its errno. after_s: how long it took."""

    call: str
    name: str
    after_s: float


class Watch:
    """A node that is captured from. It never raises OSError: what failed is in failures.

    events: what poll() said beside POLLIN.
    """

    def __init__(self, path: Path, fourcc: str, size: Size, fps: float = 30.0) -> None:
        self.buffers: list[Buffer] = []
        self.failures: list[Failure] = []
        self.events: set[str] = set()
        self._ready = select.poll()
        self._streams = False
        self._device = v4l2.Device(str(path))
        self._maps: list[Any] = []
        if self._try("open", self._device.open) is not None:
            return
        self._ready.register(self._device.fileno(), select.POLLIN | select.POLLPRI)
        queue = Queue(self._device)
        steps: list[tuple[str, Callable[[], object]]] = [
            ("S_FMT", lambda: queue.set_format(fourcc, size)),
            ("S_PARM", lambda: queue.set_rate(fps)),
            ("REQBUFS", lambda: self._maps.extend(queue.allocate(_BUFFERS))),
            ("STREAMON", queue.start),
        ]
        self._queue = queue
        self._streams = all(self._try(name, step) is None for name, step in steps)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            if self._streams:
                self._queue.stop()
        self._maps.clear()
        with contextlib.suppress(OSError):
            self._device.close()

    def _try(self, name: str, call: Callable[[], object]) -> OSError | None:
        begin_s = time.monotonic()
        try:
            call()
        except OSError as error:
            told = errno.errorcode.get(error.errno or 0, str(error))
            self.failures.append(Failure(name, told, round(time.monotonic() - begin_s, 1)))
            return error
        return None

    def capture(self, until: Callable[[], bool], seconds: float) -> bool:
        """Capture until that holds. Returns False if it does not within the time, or the device is gone."""
        until_s = time.monotonic() + seconds
        while not until():
            if not self._streams or time.monotonic() > until_s:
                return False
            for _, events in self._ready.poll(_LOOK_MS):
                self.events |= {name for bit, name in _EVENTS.items() if events & bit}
                self._streams = self._dequeue()
        return True

    def more(self, count: int, seconds: float) -> bool:
        """Capture that many buffers. Returns whether they came in time."""
        enough = len(self.buffers) + count
        return self.capture(lambda: len(self.buffers) >= enough, seconds)

    def _dequeue(self) -> bool:
        """Take a buffer and give it back. Returns whether the stream goes on."""
        taken: list[Any] = []
        if (error := self._try("DQBUF", lambda: taken.append(self._queue.dequeue()))) is not None:
            return error.errno == errno.EAGAIN
        (filled,) = taken
        size = sum(end - begin for begin, end in filled.parts)
        flagged = bool(filled.flags & FLAG_ERROR)
        self.buffers.append(Buffer(time.monotonic_ns(), filled.sequence, size, flagged, filled.stamp_ns))
        return self._try("QBUF", lambda: self._queue.enqueue(filled.place)) is None

    def set_brightness(self, value: int) -> None:
        """Set a control, and note whether that fails."""
        v4l2_cid_brightness = 0x00980900
        self._try("S_CTRL", lambda: v4l2.set_control(self._device, v4l2_cid_brightness, value))
