# SPDX-License-Identifier: Apache-2.0
"""The last step of a channel: writes frames into the ring, counts them, and records them in the ledger."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vshm_ctypes import Codec, Flag, FrameTooLarge, Media, PictureLayout, Producer, ProducerBusy
from vshm_ctypes.bitstream import AccessUnit, EntryPoint

from .books import Books
from .channels import Channel
from .clock import realtime_offset_ns
from .log import LOG
from .sources.source import Captured

if TYPE_CHECKING:  # few need it
    from .ledger import Ledger, Result

# As plain numbers, since Python's enum takes several times as long to put two of them together.
_DISCONTINUITY, _CAPTURE_DRIVER = int(Flag.DISCONTINUITY), int(Flag.CAPTURE_DRIVER)
_RECOVERY_POINT = int(Flag.RECOVERY_POINT)
MEASURED_EVERY = 17  # frames whose cost is measured: asking for the time takes a share of it; a prime meets keyframes
OFFSET_NS = 500_000_000  # how long a comparison of the clocks holds, in the library too
_WRITTEN: Result = "written"
_REFUSED: Result = "refused"
_DROPPED: Result = "ring_dropped"


@dataclass(slots=True)
class RingTime:
    """The time spent on writing to the ring, of the frames that were measured. cpu_ns: of the writing thread."""

    cpu_ns: int = 0
    frames: int = 0

    def add(self, begin_ns: int) -> None:
        """Add a frame. begin_ns: the thread's CPU time before it was written."""
        self.cpu_ns += time.thread_time_ns() - begin_ns
        self.frames += 1

    @property
    def us_per_frame(self) -> float:
        """The CPU time of a frame."""
        return self.cpu_ns / 1000 / max(self.frames, 1)


class Outlet:
    """One ring and its writer, used by one thread. geometry: slots and slot size. Raises what Producer raises."""

    def __init__(
        self,
        channel: Channel,
        codec: Codec,
        width: int,
        height: int,
        fps: float,
        ledger: Ledger | None,
        media: Media = Media.VIDEO,
        geometry: tuple[int, int] | None = None,
    ) -> None:
        self.channel = channel
        self.books = Books()
        self.ring_time = RingTime()
        self._codec = codec
        self._picture: dict[str, Any] = {}  # by the names of Producer.write()
        self._ledger = ledger
        self._refused_before = False
        self._discontinuity = False  # the next frame does not continue the one before
        self.describe(width, height, fps)
        self.written_bytes = 0
        slots, self._slot = geometry or (channel.slots, channel.slot)
        self._entry_ns = 0
        self._dated_ns, self._offset_ns = -OFFSET_NS, 0  # when the wall clock was compared with the monotonic one
        self.producer = Producer(channel.ring, slots=slots, slot_size=self._slot, mode=channel.mode, media=media)
        info = self.producer.info()
        self._first = info.frames  # a ring that was taken over continues its frame numbers
        self.ring_bytes = info.object_bytes

    def describe(self, width: int, height: int, fps: float) -> None:
        """Declare size and rate of the following frames. A change is a discontinuity."""
        picture = {"codec": int(self._codec), "width": width, "height": height, "fps": min(round(fps), 255)}
        self._discontinuity = self._discontinuity or (self.books.written > 0 and picture != self._picture)
        self._picture = picture

    def write(self, unit: AccessUnit, captured: Captured) -> Result:
        """Write an access unit of that picture, and return what became of it."""
        data, entry = unit
        flags = _CAPTURE_DRIVER if captured.from_driver else 0
        if self._discontinuity or captured.discontinuity:
            flags |= _DISCONTINUITY
        if entry is EntryPoint.RECOVERY_POINT:
            flags |= _RECOVERY_POINT
        if self._ledger is not None:
            self._entry_ns = time.monotonic_ns()
        begin_ns = time.thread_time_ns() if self.books.encoded % MEASURED_EVERY == 0 else 0
        result, capture_ns = _DROPPED, captured.capture_ns
        if not 0 <= capture_ns - self._dated_ns < OFFSET_NS:
            self._date(capture_ns)
        try:
            if self.producer.write(
                data,
                keyframe=entry is not EntryPoint.NONE,
                timestamp_ms=(capture_ns + self._offset_ns) // 1_000_000,
                capture_ns=capture_ns,
                flags=flags,
                **self._picture,
            ):
                result = _WRITTEN
        except ProducerBusy:
            pass
        except FrameTooLarge:
            result = _REFUSED
            self._advise(unit)
        if begin_ns:
            self.ring_time.add(begin_ns)
        if result is _WRITTEN and self._ledger is None:  # as almost always
            self.books.encoded += 1
            self.books.written += 1
            self.written_bytes += len(data)
            self._discontinuity = False
            return result
        return self._count(result, captured, len(data), data)

    def write_raw(self, layout: PictureLayout, convert: Callable[[memoryview], None], captured: Captured) -> Result:
        """Have convert write that picture into a slot, publish it, and return what became of it."""
        begin_ns, result, crc32 = time.thread_time_ns(), _DROPPED, 0
        flags = _CAPTURE_DRIVER if captured.from_driver else 0
        if self._discontinuity or captured.discontinuity:
            flags |= _DISCONTINUITY
        self._entry_ns = time.monotonic_ns()
        self._date(captured.capture_ns)
        try:
            with self.producer.reserve() as slot:
                converting_ns = time.thread_time_ns()
                convert(slot.data)
                if self._ledger is not None:
                    crc32 = zlib.crc32(slot.data[: layout.size])  # here, since a queue of pictures might grow
                begin_ns += time.thread_time_ns() - converting_ns  # to convert a picture is no work of the ring's
                self._entry_ns = time.monotonic_ns()
                slot.commit(
                    layout.size,
                    keyframe=True,
                    timestamp_ms=(captured.capture_ns + self._offset_ns) // 1_000_000,
                    reserved=layout.reserved,
                    capture_ns=captured.capture_ns,
                    flags=flags,
                    **self._picture,
                )
                result = _WRITTEN
        except ProducerBusy:
            pass
        except FrameTooLarge:
            result = _REFUSED
        self.ring_time.add(begin_ns)
        return self._count(result, captured, layout.size, None, crc32)

    def _date(self, capture_ns: int) -> None:
        """Find out anew what the wall clock says, which may be set at any time."""
        self._dated_ns, self._offset_ns = capture_ns, realtime_offset_ns()

    def _count(self, result: Result, captured: Captured, size: int, data: bytes | None, crc32: int = 0) -> Result:
        """Count a frame, and record it in the ledger. crc32: of a frame without data."""
        books, number = self.books, -1
        books.encoded += 1
        self._discontinuity = result is not _WRITTEN
        if result is _WRITTEN:
            number = self._first + books.written
            books.written += 1
            self.written_bytes += size
        elif result is _REFUSED:
            books.refused += 1
        else:
            books.ring_dropped += 1
        if self._ledger is not None:
            from .ledger import Record

            record = Record(
                channel=self.channel.ring,
                v4l2_sequence=captured.sequence,
                capture_ns=captured.capture_ns,
                entry_ns=self._entry_ns,
                number=number,
                size=size,
                crc32=crc32,
                result=result,
            )
            self._ledger.add(record, data)
        return result

    def _advise(self, unit: AccessUnit) -> None:
        if self._refused_before:
            return
        self._refused_before = True
        size, slot = len(unit.data), self.channel.slot
        lower = "the bitrate or quality"
        if self.channel.bit_rate:
            lower = f"the bitrate to {self.channel.bit_rate * slot * 4 // (size * 5000)}k"
        LOG.warning(
            "%s: a frame of %d bytes does not fit into a slot of %d: lower %s, or set slot=%dk",
            self.channel.ring,
            size,
            slot,
            lower,
            size * 5 // 4096 + 1,  # a quarter more than it needed
        )

    def start(self, thread: threading.Thread) -> None:
        """Start the thread that will use it. Raises RuntimeError if none is left, and then the ring is closed."""
        try:
            thread.start()
        except RuntimeError:
            self.close()
            raise

    def close(self) -> None:
        """Close the ring, so that its readers learn of its end."""
        self.producer.close()
