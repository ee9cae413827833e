# SPDX-License-Identifier: Apache-2.0
"""The least there can be between two programs in Python: memcpy, a futex, and one foreign call a frame on each side."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from ...processes.command import run_to_end
from ...workers.shared_memory import SHARED_MEMORY
from ..peer import Buffer, Link, Peer

SOURCE = Path(__file__).resolve().parents[1] / "floor" / "picture.c"
COMPILES_S = 60.0


class FutexFloor(Peer):
    """No metadata, no checks, no clocks, no second kind of reader: what a ring costs beyond this is its own."""

    name = "futex floor"
    missed = None
    copies = 1
    how = "into a slot"

    @property
    def _library(self) -> Path:
        return self.link.folder / "picture_floor.so"

    @property
    def _object(self) -> Path:
        return SHARED_MEMORY / self.link.name

    def _open(self, writable: bool) -> None:
        floor = ctypes.CDLL(str(self._library))
        error = floor.picture_floor_open(str(self._object).encode(), self.link.kept, self.link.size, writable)
        if error:
            raise OSError(error, os.strerror(error), str(self._object))
        floor.picture_floor_read.restype = ctypes.c_void_p
        self._write, self._read, self._whole = (
            floor.picture_floor_write,
            floor.picture_floor_read,
            floor.picture_floor_whole,
        )

    def open_to_send(self) -> None:
        command = [os.environ.get("CC", "cc"), "-O2", "-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC", str(SOURCE)]
        done = run_to_end([*command, "-o", str(self._library)], COMPILES_S)
        if done.returncode != 0:
            raise OSError(f"the floor does not compile: {done.stderr}")
        self._open(writable=True)
        self._sends: bytearray | None = None

    def open_to_receive(self) -> None:
        self._open(writable=False)
        self._frame = ctypes.c_uint8 * self.link.size

    def send(self, data: bytearray) -> None:
        if data is not self._sends:  # the sender hands over the same memory each time: its address is asked once
            self._sends, self._address = data, (ctypes.c_char * len(data)).from_buffer(data)
        self._write(self._address)

    def receive(self) -> Buffer:
        return memoryview(self._frame.from_address(self._read(int(self.link.newest)))).cast("B")

    def release(self) -> bool:
        return bool(self._whole())

    def close(self) -> None:
        if self.link.receiver is None:
            self._object.unlink(missing_ok=True)

    @classmethod
    def sweep(cls, link: Link) -> None:
        (SHARED_MEMORY / link.name).unlink(missing_ok=True)
