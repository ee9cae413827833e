# SPDX-License-Identifier: Apache-2.0
"""A worker's tape: a ring of records in memory that it shares with the process that started it.

tape.h has the same layout. Adding a record takes a few stores, and the tape outlives the worker, however that ends.
"""

from __future__ import annotations

import mmap
import os
import time
from struct import Struct

MAGIC = 0x45504154
HEADER_BYTES = 64
NO_NUMBER = 2**64 - 1
FRAME, REFUSED, DROPPED, EVENT = range(4)
KEYFRAME, DISCONTINUITY = 1, 2

RECORD = Struct("<QQQQIIII")  # number, time_ns, publish_ns, capture_ns, size, crc32, flags, kind
_HEADER = Struct("<III")
_WORD = Struct("<I")
_ADDED, _TAKEN, _STALLS, _GO = 12, 16, 20, 24


class Tape:
    """The reading side, in the process that started the worker. capacity: records, a power of two."""

    def __init__(self, capacity: int) -> None:
        if capacity & (capacity - 1):
            raise ValueError(f"{capacity} records: give a power of two")
        self._descriptor = os.memfd_create("tape", os.MFD_CLOEXEC)
        size = HEADER_BYTES + capacity * RECORD.size
        os.posix_fallocate(self._descriptor, 0, size)
        self.path = f"/proc/{os.getpid()}/fd/{self._descriptor}"
        self._memory = mmap.mmap(self._descriptor, size)
        self._capacity = capacity
        self._visible = self._taken = 0
        _HEADER.pack_into(self._memory, 0, MAGIC, RECORD.size, capacity)

    def _word(self, offset: int) -> int:
        return int(_WORD.unpack_from(self._memory, offset)[0])

    @property
    def stalls(self) -> int:
        """How often the worker had to wait because the tape was full, and was disturbed by that."""
        return self._word(_STALLS)

    def go(self) -> None:
        """Let a writer start."""
        _WORD.pack_into(self._memory, _GO, 1)

    def take(self, *, ended: bool = False) -> bytes:
        """Return the new records, RECORD.size bytes each.

        ended: the worker has ended, so that there will be no more.
        """
        # Only records that the last call saw already: by now their bytes are visible on every processor.
        upto, self._visible = self._visible, self._word(_ADDED)
        if ended:
            upto = self._visible
        _WORD.pack_into(self._memory, _TAKEN, self._taken)  # these were copied by the last call
        count = (upto - self._taken) % 2**32
        begin = self._taken % self._capacity
        whole = min(count, self._capacity - begin)
        data = self._slice(begin, whole) + self._slice(0, count - whole)
        self._taken = upto
        return data

    def _slice(self, begin: int, count: int) -> bytes:
        return self._memory[HEADER_BYTES + begin * RECORD.size : HEADER_BYTES + (begin + count) * RECORD.size]

    def close(self) -> None:
        """Unmap the tape. A second call does nothing."""
        if self._descriptor >= 0:
            self._memory.close()
            os.close(self._descriptor)
            self._descriptor = -1


class TapeRecorder:
    """The worker's side. Raises OSError, or ValueError if the file is not a tape."""

    def __init__(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._memory = mmap.mmap(descriptor, 0, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
        finally:
            os.close(descriptor)
        size, header = len(self._memory), self._memory[: _HEADER.size].ljust(_HEADER.size, b"\0")
        magic, record_bytes, self._capacity = _HEADER.unpack(header)
        if (magic, record_bytes) != (MAGIC, RECORD.size) or size != HEADER_BYTES + self._capacity * RECORD.size:
            raise ValueError(f"{path}: this file is no tape")
        self._added = 0

    def add(
        self, number: int, time_ns: int, publish_ns: int, capture_ns: int, size: int, crc32: int, flags: int, kind: int
    ) -> None:
        """Add a record. Waits while the tape is full."""
        memory, added = self._memory, self._added
        if (added - _WORD.unpack_from(memory, _TAKEN)[0]) % 2**32 >= self._capacity:
            self._wait()
        at = HEADER_BYTES + added % self._capacity * RECORD.size
        RECORD.pack_into(memory, at, number, time_ns, publish_ns, capture_ns, size, crc32, flags, kind)
        self._added = (added + 1) % 2**32
        _WORD.pack_into(memory, _ADDED, self._added)

    def _wait(self) -> None:
        _WORD.pack_into(self._memory, _STALLS, _WORD.unpack_from(self._memory, _STALLS)[0] + 1)
        while (self._added - _WORD.unpack_from(self._memory, _TAKEN)[0]) % 2**32 >= self._capacity:
            time.sleep(0.001)
