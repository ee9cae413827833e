# SPDX-License-Identifier: Apache-2.0
"""Reads and prepares the bytes of a ring by FORMAT.md alone, without a library."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path
from typing import Any

MAGIC, EXTENSION_MAGIC = 0x56494445, 0x31585356
V1_BYTES, V1_STRIDE, V1_SLOTS, V1_SLOT_SIZE = 15729664, 524320, 30, 524288
META_BYTES, LINE_BYTES, EXTENSION_BYTES, UNIT = 32, 64, 256, 64
NO_FRAME = 2**64 - 1
LIVE, CLOSED = 1, 2
F_OFD_GETLK = 36

# The offset and type of each field.
HEADER = {
    "magic": (0, "I"),
    "version": (4, "I"),
    "write_idx": (8, "I"),
    "read_idx": (12, "I"),
    "frame_count": (16, "I"),
    "dropped_frames": (20, "I"),
    "active_readers": (24, "I"),
    "extension": (28, "I"),
    "reserved": (32, "32s"),
}
EXTENSION = {
    "magic": (0, "I"),
    "size": (4, "I"),
    "slots": (8, "I"),
    "slot_size": (12, "I"),
    "slot_offset": (16, "Q"),
    "slot_stride": (24, "Q"),
    "line_offset": (32, "Q"),
    "object_size": (40, "Q"),
    "first_frame": (48, "Q"),
    "media": (56, "I"),
    "reserved0": (60, "I"),
    "epoch": (64, "I"),
    "state": (68, "I"),
    "writer_pid": (72, "I"),
    "v1_signals": (76, "I"),
    "writer_start": (80, "Q"),
    "writer_pid_ns": (88, "Q"),
    "realtime_offset_ns": (96, "q"),
    "remade": (104, "Q"),
    "rearmed": (112, "Q"),
    "reserved1": (120, "Q"),
    "frames": (128, "Q"),
    "keyframes": (136, "Q"),
    "bytes": (144, "Q"),
    "signal": (152, "I"),
    "reserved2": (156, "36s"),
    "dropped_busy": (192, "Q"),
    "dropped_too_large": (200, "Q"),
    "dropped_no_space": (208, "Q"),
    "reserved3": (216, "40s"),
}
LINE = {
    "stamp": (0, "I"),
    "flags": (4, "I"),
    "frame": (8, "Q"),
    "capture_ns": (16, "Q"),
    "publish_ns": (24, "Q"),
    "keyframes": (32, "Q"),
    "reserved": (40, "24s"),
}
META = {
    "timestamp_ms": (0, "Q"),
    "size": (8, "I"),
    "sequence": (12, "I"),
    "is_keyframe": (16, "B"),
    "codec": (17, "B"),
    "width": (18, "H"),
    "height": (20, "H"),
    "fps": (22, "B"),
    "reserved": (23, "9s"),
}


class RingObject:
    """A ring's object with a descriptor of its own, so that it stays when its name is removed."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("r+b", buffering=0)

    def close(self) -> None:
        """Close the descriptor."""
        self._file.close()

    def read(self, size: int, offset: int) -> bytes:
        """Return size bytes at offset."""
        return os.pread(self._file.fileno(), size, offset)

    def write(self, data: bytes, offset: int) -> None:
        """Write bytes at offset."""
        os.pwrite(self._file.fileno(), data, offset)

    @property
    def size(self) -> int:
        """The size of the whole object in bytes."""
        return os.fstat(self._file.fileno()).st_size

    def _field(self, table: dict[str, tuple[int, str]], base: int, name: str) -> Any:
        offset, kind = table[name]
        (value,) = struct.unpack(f"<{kind}", self.read(struct.calcsize(f"<{kind}"), base + offset))
        return value

    def _set(self, table: dict[str, tuple[int, str]], base: int, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            offset, kind = table[name]
            self.write(struct.pack(f"<{kind}", value), base + offset)

    # ---- its parts ----

    def header(self, name: str) -> Any:
        """Return a field of the header."""
        return self._field(HEADER, 0, name)

    def set_header(self, **fields: Any) -> None:
        """Change fields of the header."""
        self._set(HEADER, 0, fields)

    @property
    def extension_offset(self) -> int:
        """The offset of the extension, or 0 if there is none."""
        return int(self.header("extension")) * UNIT

    def extension(self, name: str) -> Any:
        """Return a field of the extension."""
        return self._field(EXTENSION, self.extension_offset, name)

    def set_extension(self, **fields: Any) -> None:
        """Change fields of the extension."""
        self._set(EXTENSION, self.extension_offset, fields)

    def slot_offset(self, slot: int) -> int:
        """Return the offset of a slot's metadata."""
        if self.extension_offset == 0:
            return 64 + slot * V1_STRIDE
        return int(self.extension("slot_offset")) + slot * int(self.extension("slot_stride"))

    def meta(self, slot: int, name: str) -> Any:
        """Return a field of a slot's metadata."""
        return self._field(META, self.slot_offset(slot), name)

    def set_meta(self, slot: int, **fields: Any) -> None:
        """Change fields of a slot's metadata."""
        self._set(META, self.slot_offset(slot), fields)

    def payload(self, slot: int, size: int) -> bytes:
        """Return the first bytes of a slot's payload."""
        return self.read(size, self.slot_offset(slot) + META_BYTES)

    def line(self, slot: int, name: str) -> Any:
        """Return a field of a slot's line."""
        return self._field(LINE, self.extension("line_offset") + slot * LINE_BYTES, name)

    def set_line(self, slot: int, **fields: Any) -> None:
        """Change fields of a slot's line."""
        self._set(LINE, self.extension("line_offset") + slot * LINE_BYTES, fields)


def stamp_of(frame: int) -> int:
    """Return the stamp of a line whose slot holds that whole frame."""
    return 2 * (frame + 1) % 2**32


def slot_of(frame: int, slots: int) -> int:
    """Return the slot of a frame."""
    return frame % 2**32 % slots


def is_held(path: Path) -> bool:
    """Return whether a writer's lock is on an object."""
    with path.open("rb") as file:
        asked = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
        return bool(struct.unpack("hhqqi4x", fcntl.fcntl(file, F_OFD_GETLK, asked))[0] != fcntl.F_UNLCK)


class V1Writer:
    """A version 1 ring and what its writer does. It has no extension, no stamps, and no liveness."""

    def __init__(self, path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(V1_BYTES)
        self.ring = RingObject(path)
        self.ring.set_header(magic=MAGIC, version=1)
        self.frames = 0

    def write(self, data: bytes, **meta: int) -> None:
        """Write the next frame."""
        slot = self.frames % 2**32 % V1_SLOTS
        self.ring.write(data, self.ring.slot_offset(slot) + META_BYTES)
        self.ring.set_meta(slot, size=len(data), sequence=self.frames % 2**32, **meta)
        self.frames += 1
        self.ring.set_header(write_idx=self.frames % 2**32)
        self.ring.set_header(frame_count=self.frames % 2**32)
