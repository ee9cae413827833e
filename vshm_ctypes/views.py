# SPDX-License-Identifier: Apache-2.0
"""A frame that still lies in the ring: what borrow() hands out, and the mapping that keeps it readable."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable
from types import TracebackType
from typing import Self

from .errors import FrameOverwritten, HandleClosed
from .frame import Described, FrameMeta


class Mapping:
    """A read-only mapping of the ring's object, of our own.

    Arrays made from it keep it alive, whatever becomes of the consumer; the C library's mapping is never handed out.
    """

    def __init__(self, descriptor: int, attachment: int) -> None:
        self.attachment = attachment
        size = os.fstat(descriptor).st_size
        self._view = memoryview(mmap.mmap(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ))

    def slice(self, offset: int, size: int) -> memoryview:
        """size bytes from offset on, read-only."""
        return self._view[offset : offset + size]


class BorrowedFrame(Described):
    """A frame in the ring, as long as the with block lasts; a context manager.

    data: memoryview of meta.size bytes, uint8, read-only. Leaving the block raises FrameOverwritten if the
    producer lapped us. An array kept from data may change afterwards, but never faults.
    """

    __slots__ = ("_data", "_release")

    def __init__(
        self,
        data: memoryview,
        meta: FrameMeta,
        number: int,
        capture_ns: int,
        publish_ns: int,
        missed_before: int,
        flags: int,
        release: Callable[[], bool],
    ) -> None:
        super().__init__(meta, number, capture_ns, publish_ns, missed_before, flags)
        self._data: memoryview | None = data
        self._release = release

    @property
    def data(self) -> memoryview:
        """The payload, in the ring. Raises HandleClosed after the block."""
        if self._data is None:
            raise HandleClosed(errno.EBADF, None, "the borrowed frame was given back: use its data inside the block")
        return self._data

    def give_back(self) -> bool:
        """End the loan. Returns whether the bytes stayed whole; True if it was given back before."""
        if self._data is None:
            return True
        self._data = None
        return self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        whole = self.give_back()
        if not whole and kind is None:
            raise FrameOverwritten(errno.ESTALE)
