# SPDX-License-Identifier: Apache-2.0
"""What lies in the ring itself: mappings of our own, and the frames and slots that are lent out of them."""

from __future__ import annotations

import errno
import os
import weakref
from ctypes import CDLL, c_int, c_int64, c_size_t, c_ubyte, c_void_p, get_errno
from mmap import MAP_SHARED, PROT_READ, PROT_WRITE
from types import TracebackType
from typing import Protocol, Self

from .errors import FrameOverwritten, HandleClosed, error_for
from .frame import Described, ViewFields

_libc = CDLL(None, use_errno=True)
_mmap = _libc.mmap64 if hasattr(_libc, "mmap64") else _libc.mmap  # musl has one, whose offset is of 64 bits too
_mmap.argtypes = [c_void_p, c_size_t, c_int, c_int, c_int, c_int64]
_mmap.restype = c_void_p
_libc.munmap.argtypes = [c_void_p, c_size_t]
_FAILED = c_void_p(-1).value


def map_object(descriptor: int, writable: bool = False) -> memoryview:
    """The whole of a file in a mapping of our own: uint8.

    What is made from it keeps it alive, whatever becomes of the handle; the C library's mapping is never handed out.
    Python's own mappings keep a descriptor, and close it at their end: where the program has closed it meanwhile, they
    close whatever file has got its number. Raises VideoShmError: it can't be mapped.
    """
    try:
        size = os.fstat(descriptor).st_size
    except OSError as error:
        raise error_for(error.errno or 0) from None
    address = _mmap(None, size, PROT_READ | PROT_WRITE if writable else PROT_READ, MAP_SHARED, descriptor, 0)
    if address == _FAILED:
        raise error_for(get_errno())
    content = (c_ubyte * size).from_address(address)
    weakref.finalize(content, _libc.munmap, address, size).atexit = False  # others may look at it until the very end
    view = memoryview(content).cast("B")
    return view if writable else view.toreadonly()


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
