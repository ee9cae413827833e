# SPDX-License-Identifier: Apache-2.0
"""Reads the shared bytes with struct only: an independent reader that knows the format, and no library."""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

SLOTS = 30
SLOT_BYTES = 512 * 1024
V1_BYTES = 15729664
META_BYTES = 32
HEADER_BYTES = 64
EXTENSION_BYTES = 256
LINE_BYTES = 64
EXTENSION_UNIT = 64
EXTENSION_MAGIC = 0x31585356
NO_FRAME = 2**64 - 1

FLAG_KEYFRAME = 1
FLAG_DISCONTINUITY = 2

STATE_LIVE = 1
STATE_CLOSED = 2


@dataclass(frozen=True)
class Header:
    magic: int
    version: int
    write_idx: int
    read_idx: int
    frame_count: int
    dropped_frames: int
    active_readers: int
    extension: int
    reserved: bytes

    @classmethod
    def parse(cls, data: bytes) -> "Header":
        return cls(*struct.unpack("<8I32s", data))


@dataclass(frozen=True)
class Extension:
    magic: int
    size: int
    slots: int
    slot_size: int
    slot_offset: int
    slot_stride: int
    line_offset: int
    object_size: int
    first_frame: int
    media: int
    reserved0: bytes
    epoch: int
    state: int
    writer_pid: int
    v1_signals: int
    writer_start: int
    writer_pid_ns: int
    realtime_offset_ns: int
    remade: int
    rearmed: int
    reserved1: bytes
    frames: int
    keyframes: int
    payload_bytes: int
    signal: int
    reserved2: bytes
    dropped_busy: int
    dropped_too_large: int
    dropped_no_space: int
    reserved3: bytes

    @classmethod
    def parse(cls, data: bytes) -> "Extension":
        return cls(*struct.unpack("<4I5QI4s 4I2Qq2Q8s 3QI36s 3Q40s", data))

    @property
    def reserved(self) -> bytes:
        return self.reserved0 + self.reserved1 + self.reserved2 + self.reserved3


@dataclass(frozen=True)
class Meta:
    timestamp_ms: int
    size: int
    sequence: int
    is_keyframe: int
    codec: int
    width: int
    height: int
    fps: int
    reserved: bytes

    @classmethod
    def parse(cls, data: bytes) -> "Meta":
        return cls(*struct.unpack("<Q2I2B2HB9s", data))


@dataclass(frozen=True)
class Line:
    stamp: int
    flags: int
    frame: int
    capture_ns: int
    publish_ns: int
    keyframes: int
    reserved: bytes

    @classmethod
    def parse(cls, data: bytes) -> "Line":
        return cls(*struct.unpack("<2I4Q24s", data))

    @property
    def is_whole(self) -> bool:
        return self.frame != NO_FRAME and self.stamp == 2 * (self.frame + 1) % 2**32


@dataclass(frozen=True)
class Slot:
    index: int
    meta: Meta
    line: Line
    payload: bytes


class Ring:
    """A ring's object, open by its own descriptor, so that it can be read after its name is gone."""

    def __init__(self, path: Path, flags: int = os.O_RDONLY) -> None:
        self._descriptor = os.open(path, flags | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._descriptor)

    def read(self, count: int, offset: int) -> bytes:
        data = os.pread(self._descriptor, count, offset)
        assert len(data) == count, f"the object ends before {offset + count}"
        return data

    def write(self, data: bytes, offset: int) -> None:
        assert os.pwrite(self._descriptor, data, offset) == len(data)

    @property
    def object_bytes(self) -> int:
        return os.fstat(self._descriptor).st_size

    @property
    def header(self) -> Header:
        return Header.parse(self.read(HEADER_BYTES, 0))

    @property
    def extension_offset(self) -> int:
        return self.header.extension * EXTENSION_UNIT

    @property
    def extension(self) -> Extension:
        return Extension.parse(self.read(EXTENSION_BYTES, self.extension_offset))

    def slot(self, index: int) -> Slot:
        extension = self.extension
        offset = extension.slot_offset + index * extension.slot_stride
        meta = Meta.parse(self.read(META_BYTES, offset))
        line = Line.parse(self.read(LINE_BYTES, extension.line_offset + index * LINE_BYTES))
        payload = self.read(meta.size, offset + META_BYTES) if line.is_whole else b""
        return Slot(index, meta, line, payload)

    def slots(self) -> list[Slot]:
        return [self.slot(index) for index in range(self.extension.slots)]

    def whole_slots(self) -> list[Slot]:
        """Return the slots that hold a whole frame, oldest first."""
        return sorted((slot for slot in self.slots() if slot.line.is_whole), key=lambda slot: slot.line.frame)
