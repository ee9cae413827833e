# SPDX-License-Identifier: Apache-2.0
"""From the buffers of a camera that encodes by itself to access units."""

from __future__ import annotations

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, EntryPoint, Splitter, whole_jpeg

from ..log import LOG


class UnitAssembler:
    """A buffer holds a picture, as V4L2 wants it; but cameras put parameter sets, or slices, into buffers of their own.

    Parameter sets that come alone go in front of the next picture. Once a buffer begins in the middle of a picture, a
    picture counts as whole only when the next one begins.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._splitter = Splitter(codec) if codec != Codec.JPEG else None
        self._in_pieces = False

    def take(self, data: bytes) -> list[AccessUnit]:
        """Those that are whole now. Raises StreamError: the buffer is damaged."""
        if self._splitter is None:
            return [AccessUnit(whole_jpeg(data), EntryPoint.IDR)]
        if self._splitter.begins_picture(data) is False and not self._in_pieces:
            self._in_pieces = True
            LOG.info("the camera gives pictures in pieces: each is handed on when the next one begins")
        units = [unit for unit, _ in self._splitter.feed(data)]
        if not self._in_pieces:
            units += [unit for unit, _ in self._splitter.flush()]
        return units
