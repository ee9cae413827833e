# SPDX-License-Identifier: Apache-2.0
"""A channel that gets the access units of a source as they come. It needs no thread: the ring takes one at once."""

from __future__ import annotations

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, EntryPoint, picture_format

from .books import Books
from .channels import Channel
from .ledger import Ledger
from .log import LOG
from .outlet import Outlet
from .sources.source import Captured, Source

MAX_FPS = 255  # the largest rate that the ring's header can hold


class PassThrough:
    """Writes a source's access units into one ring, which declares the size and the rate that they declare.

    width, height, fps: what the ring declares. Raises ProducerBusy, RingFull or VideoShmError.
    """

    def __init__(self, channel: Channel, source: Source, codec: Codec, ledger: Ledger | None) -> None:
        self.channel = channel
        self._source, self._codec = source, codec
        self.width, self.height = channel.width or source.width, channel.height or source.height
        self.fps = channel.fps or source.fps
        self.outlet = Outlet(channel, codec, self.width, self.height, self.fps, ledger)
        self._broken = False  # the next access unit does not continue the last one
        self.failure: Exception | None = None

    @property
    def books(self) -> Books:
        """The counters of this lane."""
        return self.outlet.books

    def offer(self, captured: Captured) -> None:
        """Write an access unit. Never waits. If it can't, this lane ends, and the others and the camera go on."""
        books, unit = self.outlet.books, captured.unit
        books.captured += 1
        if captured.bad:
            books.source_error += 1
            self._broken = True
        elif unit is not None and self.failure is None:
            if self._broken:
                captured.discontinuity, self._broken = True, False
            try:
                if unit.entry is not EntryPoint.NONE:  # the property takes a step more
                    self._follow(unit)
                self.outlet.write(unit, captured)
            except Exception as error:
                self.failure = error
                LOG.error("%s: ended: %s", self.channel.ring, error)

    def _follow(self, unit: AccessUnit) -> None:
        """Declare what a keyframe declares."""
        told = picture_format(unit.data, self._codec)
        if told is None:
            return
        fps = told.fps if told.fps is not None and 1 <= round(told.fps) <= MAX_FPS else self._source.fps
        if (told.width, told.height, fps) != (self.width, self.height, self.fps):
            self.width, self.height, self.fps = told.width, told.height, fps
            self.outlet.describe(told.width, told.height, fps)
            LOG.info("%s: from here on %dx%d at %g fps", self.channel.ring, told.width, told.height, fps)

    def want_keyframe(self) -> None:
        """Do nothing: only the source can make one, and it is asked by itself."""

    def close(self) -> None:
        """Close the ring."""
        self.outlet.close()
