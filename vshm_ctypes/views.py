# SPDX-License-Identifier: Apache-2.0
"""What lies in the ring itself: mappings of our own, and the frames and slots that are lent out of them."""

from __future__ import annotations

import errno
import mmap
import os
from types import TracebackType
from typing import Protocol, Self

from .descriptors import above_standard_streams
from .errors import FrameOverwritten, HandleClosed, error_for
from .frame import Described, ViewFields


def map_object(descriptor: int, writable: bool = False) -> mmap.mmap:
    """A mapping of the ring's object, of our own.

    Memoryviews and arrays made from it keep it alive, whatever becomes of the handle; the C library's mapping is
    never handed out. Raises VideoShmError: no descriptor or memory is left for it.
    """
    protection = mmap.PROT_READ | mmap.PROT_WRITE if writable else mmap.PROT_READ
    try:
        with above_standard_streams():  # Python's mapping keeps a descriptor of its own
            return mmap.mmap(descriptor, os.fstat(descriptor).st_size, mmap.MAP_SHARED, protection)
    except OSError as error:
        raise error_for(error.errno or 0) from None


class Lender(Protocol):
    """Whoever lent a frame."""

    def _take_back(self) -> bool:
        """End the loan; whether the bytes stayed whole."""


class BorrowedFrame(Described):
    """A frame in the ring, as long as the with block lasts; a context manager.

    Leaving the block raises FrameOverwritten if the producer lapped us. An array kept from data may change
    afterwards, but never faults.
    """

    __slots__ = ("_data", "_lender")

    def __init__(self, view: ViewFields, data: memoryview, lender: Lender) -> None:
        self._view = view
        self._data = data
        self._lender: Lender | None = lender

    @property
    def data(self) -> memoryview:
        """The payload, in the ring: size bytes, uint8, read-only. Raises HandleClosed after the block."""
        if self._lender is None:
            raise HandleClosed(errno.EBADF, None, "the borrowed frame was given back: use its data inside the block")
        return self._data

    def give_back(self) -> bool:
        """End the loan. Returns whether the bytes stayed whole; True if it was given back before."""
        lender = self._lender
        if lender is None:
            return True
        self._lender = None
        return lender._take_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lender = self._lender
        if lender is not None:
            self._lender = None
            if not lender._take_back() and kind is None:
                raise FrameOverwritten(errno.ESTALE)
