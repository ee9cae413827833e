# SPDX-License-Identifier: Apache-2.0
"""The least that any binding by ctypes could do with this library: its calls alone, with all that can be made ahead.

Nothing is checked, nothing described, no other thread is thought of: what stands between these and the floor is the
library's work and ctypes' own, what stands between the binding and these is the binding's.
"""

from __future__ import annotations

import ctypes

from vshm_ctypes._library import AtOnceWithoutErrno, frame_call, library
from vshm_ctypes._structs import Meta
from vshm_ctypes.views import map_object

from ..peer import Buffer
from .video_shm import VideoShm

_write = frame_call("video_shm_producer_write")
_acquire = frame_call("video_shm_consumer_acquire")
_release = frame_call("video_shm_consumer_release", AtOnceWithoutErrno)
_WAIT_MS = 250


class BareBorrow(VideoShm):
    """Frames are read in the ring."""

    name = "bare calls, borrow"
    copies = 1
    how = "into the ring"

    def open_to_send(self) -> None:
        super().open_to_send()
        self._sends: bytearray | None = None
        self._handle = self._producer._reference
        self._meta = bytes(ctypes.sizeof(Meta))

    def open_to_receive(self) -> None:
        super().open_to_receive()
        self._handle, self._view = self._consumer._reference, self._consumer._view
        self._told = ctypes.byref(self._view)
        self._mapping: memoryview | None = None

    def send(self, data: bytearray) -> None:
        if data is not self._sends:  # its address is asked once, as by the floor
            self._sends, self._address = data, (ctypes.c_char * len(data)).from_buffer(data)
            self._size = len(data)
        _write(self._handle, self._address, self._size, self._meta)

    def receive(self) -> Buffer:
        while (size := _acquire(self._handle, self._told, _WAIT_MS)) <= 0:
            pass
        if self._mapping is None:
            self._mapping = map_object(library.video_shm_consumer_descriptor(self._handle))
        begin = self._view.offset
        return self._mapping[begin : begin + size]

    def release(self) -> bool:
        missed = self._view.missed_before
        whole = _release(self._handle, self._told) == 0
        if whole:  # otherwise it is among those missed before the next one
            self._count(missed)
        return whole


class BareReceive(BareBorrow):
    """Frames are copied out of the ring, and whether they stayed whole is asked before anybody sees them."""

    name = "bare calls, receive"
    copies = 2
    how = "into the ring, out of it"

    def receive(self) -> Buffer:
        while True:
            data = bytes(super().receive())
            if _release(self._handle, self._told) == 0:
                return data

    def release(self) -> bool:
        self._count(self._view.missed_before)
        return True
