# SPDX-License-Identifier: Apache-2.0
"""This library without a copy on the reader's side: borrow() gives access to the frame in the ring."""

from __future__ import annotations

from vshm_ctypes import BorrowedFrame

from ..peer import Buffer
from .video_shm import VideoShm


class VideoShmBorrow(VideoShm):
    """Frames are read in the ring, and may be overwritten meanwhile, which release() reports."""

    name = "video-shm borrow"
    copies = 1
    how = "into the ring"

    def receive(self) -> Buffer:
        self._borrowed: BorrowedFrame = self._consumer.borrow()
        return self._borrowed.data

    def release(self) -> bool:
        whole = self._borrowed.give_back()
        if whole:  # otherwise it is among those missed before the next one
            self._count(self._borrowed.missed_before)
        return whole
