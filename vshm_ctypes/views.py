# SPDX-License-Identifier: Apache-2.0
"""Frames that do not own their bytes: they lie in the ring's own memory, or in a buffer of the program's."""

from __future__ import annotations

import errno
import os
import weakref
from ctypes import CDLL, c_int, c_int64, c_size_t, c_ubyte, c_void_p, get_errno
from types import TracebackType

from .errors import FrameOverwritten, HandleClosed, error_for
from .frame import WithData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, Protocol, Self

    class Lender(Protocol):
        """What a frame is borrowed from."""

        def _take_back(self, frame: BorrowedFrame) -> bool:
            """Take the frame back. Returns whether its bytes stayed whole."""


_libc = CDLL(None, use_errno=True)
_mmap = _libc.mmap64 if hasattr(_libc, "mmap64") else _libc.mmap  # musl has mmap only, with 64-bit offsets
_mmap.argtypes = [c_void_p, c_size_t, c_int, c_int, c_int, c_int64]
_mmap.restype = c_void_p
_libc.munmap.argtypes = [c_void_p, c_size_t]
_FAILED = c_void_p(-1).value
# The same on all of Linux's architectures. Python's mmap has them in a library of its own, which takes time to load.
_PROT_READ, _PROT_WRITE, _MAP_SHARED = 1, 2, 1
# Of what numpy calls dtype object: its bytes are the addresses of what the program alone has.
NO_OBJECTS = "an array of Python objects has no bytes of a frame: give bytes, a bytearray, or an array of numbers"


def map_object(descriptor: int, writable: bool = False) -> memoryview:
    """Map a whole file, and return its bytes as a memoryview of uint8. Raises VideoShmError if it can't be mapped.

    Arrays made from the view keep the mapping alive, whatever becomes of the handle; the C library's own mapping is
    never handed out. Python's mmap is not used: it keeps a descriptor and closes it at the end, even if the program
    has closed it meanwhile and its number belongs to another file.
    """
    try:
        size = os.fstat(descriptor).st_size
    except OSError as error:
        raise error_for(error.errno or 0) from None
    address = _mmap(None, size, _PROT_READ | _PROT_WRITE if writable else _PROT_READ, _MAP_SHARED, descriptor, 0)
    if address == _FAILED:
        number = get_errno()  # EAGAIN: the program has locked its memory; of a ring it would mean that it is being made
        raise error_for(errno.ENOMEM if number == errno.EAGAIN else number)
    content = (c_ubyte * size).from_address(address)
    weakref.finalize(content, _libc.munmap, address, size).atexit = False  # the bytes may be used until the very end
    view = memoryview(content).cast("B")
    return view if writable else view.toreadonly()


class BorrowedFrame(WithData):
    """A frame in the ring itself, valid within a with block.

    Leaving the block raises FrameOverwritten if the producer has overwritten the frame. An array made from data may
    change after the block, but never faults.
    """

    __slots__ = ("_data", "_lender")

    _data: memoryview
    _lender: Lender | None

    @property
    def data(self) -> memoryview:
        """The payload in the ring: uint8, size bytes, read-only. Raises HandleClosed after the block."""
        if self._lender is None:
            raise HandleClosed(errno.EBADF, None, "the borrowed frame was given back: use its data inside the block")
        return self._data

    def __reduce__(self) -> NoReturn:
        told = "a borrowed frame can't be copied or pickled, since it lies in the ring"
        raise TypeError(f"{told}: take bytes(frame.data), or frames that receive() returns")

    def keep_told(self) -> None:
        """Keep the metadata, which until now lie where the next frame's will."""
        _ = self._view

    def is_lent(self) -> bool:
        """Return whether the frame was not given back yet."""
        return self._lender is not None

    def give_back(self) -> bool:
        """Give the frame back. Returns whether its bytes stayed whole; True if it was given back before."""
        lender = self._lender
        if lender is None:
            return True
        self._lender = None
        return lender._take_back(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lender = self._lender
        if lender is not None:
            self._lender = None
            if not lender._take_back(self) and kind is None:
                raise FrameOverwritten(errno.ESTALE)


class FrameInBuffer(WithData):
    """A frame in a buffer of the program's own, from Consumer.receive_into().

    Attributes:
        data: that part of the buffer, a memoryview of uint8, size bytes. It shows the next frame once the buffer is
            used again. A bytearray can't be resized while it is there.
    """

    __slots__ = ("data",)

    data: memoryview

    def __reduce__(self) -> NoReturn:
        told = "a frame in a buffer of the program's can't be copied or pickled"
        raise TypeError(f"{told}: take bytes(frame.data), or frames that receive() returns")
