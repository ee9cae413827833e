# SPDX-License-Identifier: Apache-2.0
"""The last step of a channel: writes frames into the ring, counts them, and records them in the ledger."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from vshm_ctypes import Codec, Flag, FrameTooLarge, Media, PictureLayout, Producer, ProducerBusy
from vshm_ctypes.bitstream import AccessUnit, EntryPoint

from .books import Books
from .channels import Channel
from .clock import realtime_offset_ns
from .ledger import Ledger, Record, Result
from .log import LOG
from .sources.source import Captured

# As plain numbers, since Python's enum takes several times as long to put two of them together.
_DISCONTINUITY, _CAPTURE_DRIVER = int(Flag.DISCONTINUITY), int(Flag.CAPTURE_DRIVER)
_RECOVERY_POINT = int(Flag.RECOVERY_POINT)


class _Said(TypedDict):
    """What is said of a frame, by the names of Producer.write()."""

    keyframe: bool
    codec: int
    width: int
    height: int
    fps: int
    timestamp_ms: int
    reserved: bytes
    capture_ns: int
    flags: int


@dataclass(slots=True)
class RingTime:
    """The time spent on writing to the ring. cpu_ns: of the writing thread."""

    cpu_ns: int = 0
    frames: int = 0

    def share_of_core(self, seconds: float) -> float:
        """Return the CPU time spent in the ring during that many seconds, as a share of one core."""
        return self.cpu_ns / 1e9 / seconds if seconds > 0 else 0.0


@dataclass(slots=True)
class _Frame:
    """A frame to be written. data: its bytes, or else fill writes them into a slot.

    crc32: for the ledger, of a frame without data.
    """

    size: int
    data: bytes | None = None
    keyframe: bool = True
    flags: int = 0
    fill: Callable[[memoryview], None] | None = None
    reserved: bytes = b""
    crc32: int = 0


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
        self._picture = (0, 0, 0)
        self._ledger = ledger
        self._refused_before = False
        self._discontinuity = False  # the next frame does not continue the one before
        self.describe(width, height, fps)
        self.written_bytes = 0
        slots, self._slot = geometry or (channel.slots, channel.slot)
        self._entry_ns = 0
        self.producer = Producer(channel.ring, slots=slots, slot_size=self._slot, mode=channel.mode, media=media)
        info = self.producer.info()
        self._first = info.frames  # a ring that was taken over continues its frame numbers
        self.ring_bytes = info.object_bytes

    def describe(self, width: int, height: int, fps: float) -> None:
        """Declare size and rate of the following frames. A change is a discontinuity."""
        picture = (width, height, min(round(fps), 255))
        self._discontinuity = self._discontinuity or (self.books.written > 0 and picture != self._picture)
        self._picture = picture

    def write(self, unit: AccessUnit, captured: Captured) -> Result:
        """Write an access unit of that picture, and return what became of it."""
        flags = _RECOVERY_POINT if unit.entry is EntryPoint.RECOVERY_POINT else 0
        result = self._write(_Frame(len(unit.data), unit.data, unit.keyframe, flags), captured)
        if result == "refused":
            self._advise(unit)
        return result

    def write_raw(self, layout: PictureLayout, convert: Callable[[memoryview], None], captured: Captured) -> Result:
        """Have convert write that picture into a slot, publish it, and return what became of it."""
        return self._write(_Frame(layout.size, fill=convert, reserved=layout.reserved), captured)

    def _write(self, frame: _Frame, captured: Captured) -> Result:
        self.books.encoded += 1
        self._entry_ns, cpu_ns = time.monotonic_ns(), time.thread_time_ns()
        result, number = self._publish(frame, captured)
        self.ring_time.cpu_ns += time.thread_time_ns() - cpu_ns
        self.ring_time.frames += 1
        if result == "written":
            self.books.written += 1
            self.written_bytes += frame.size
        elif result == "refused":
            self.books.refused += 1
        else:
            self.books.ring_dropped += 1
        if self._ledger is not None:
            record = Record(
                channel=self.channel.ring,
                v4l2_sequence=captured.sequence,
                capture_ns=captured.capture_ns,
                entry_ns=self._entry_ns,
                number=number,
                size=frame.size,
                crc32=frame.crc32,
                result=result,
            )
            self._ledger.add(record, frame.data)
        return result

    def _publish(self, frame: _Frame, captured: Captured) -> tuple[Result, int]:
        flags = frame.flags | (_CAPTURE_DRIVER if captured.from_driver else 0)
        if self._discontinuity or captured.discontinuity:
            flags |= _DISCONTINUITY
        try:
            written = self._hand_over(frame, captured, flags)
        except (ProducerBusy, FrameTooLarge) as error:
            self._discontinuity = True
            return "refused" if isinstance(error, FrameTooLarge) else "ring_dropped", -1
        self._discontinuity = not written
        return ("written", self._first + self.books.written) if written else ("ring_dropped", -1)

    def _hand_over(self, frame: _Frame, captured: Captured, flags: int) -> bool:
        """Write a frame into a slot. Returns whether the ring took it. Raises what Producer raises."""
        width, height, fps = self._picture
        said: _Said = {
            "keyframe": frame.keyframe,
            "codec": self._codec,
            "width": width,
            "height": height,
            "fps": fps,
            "timestamp_ms": (realtime_offset_ns() + captured.capture_ns) // 1_000_000,
            "reserved": frame.reserved,
            "capture_ns": captured.capture_ns,
            "flags": flags,
        }
        if frame.data is not None:
            return self.producer.write(frame.data, **said)
        with self.producer.reserve() as slot:
            self._fill(frame, slot.data)
            slot.commit(frame.size, **said)
        return True

    def _fill(self, frame: _Frame, slot: memoryview) -> None:
        assert frame.fill is not None
        cpu_ns = time.thread_time_ns()
        frame.fill(slot)
        if self._ledger is not None:
            frame.crc32 = zlib.crc32(slot[: frame.size])  # here, since a queue of pictures might grow
        self.ring_time.cpu_ns -= time.thread_time_ns() - cpu_ns  # to convert a picture is no work of the ring's
        self._entry_ns = time.monotonic_ns()

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
