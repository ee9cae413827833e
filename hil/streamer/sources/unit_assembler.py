# SPDX-License-Identifier: Apache-2.0
"""From the buffers of a camera that encodes by itself to access units."""

from __future__ import annotations

from vshm_ctypes import Codec

from ..bitstream import MAX_PENDING, SYNTAXES, AccessUnit, Splitter, StreamError, nal_units, trim_jpeg
from ..log import LOG


class UnitAssembler:
    """A buffer holds a picture, as V4L2 wants it; but cameras put parameter sets, or slices, into buffers of their own.

    Parameter sets that come alone go in front of the next picture. Once a buffer begins in the middle of a picture, a
    picture counts as whole only when the next one begins.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._waiting = b""
        self._splitter = Splitter(codec) if codec in SYNTAXES else None
        self._in_pieces = False

    def take(self, data: bytes) -> list[AccessUnit]:
        """Those that are whole now. Raises StreamError: the buffer is damaged."""
        if self._splitter is None:
            return [AccessUnit(trim_jpeg(data), True)]
        syntax = SYNTAXES[self.codec]
        first = next((nal for nal in nal_units(data, syntax) if nal.kind in syntax.pictures), None)
        if first is None and not self._in_pieces:
            self._waiting += data
            if len(self._waiting) > MAX_PENDING:
                self._waiting = b""
                raise StreamError(f"no picture in {MAX_PENDING} bytes: this is no {self.codec.name} stream")
            return []
        if first is not None and not first.first_slice and not self._in_pieces:
            self._in_pieces = True
            LOG.info("the camera gives pictures in pieces: each is handed on when the next one begins")
        data, self._waiting = self._waiting + data, b""
        units = [*self._splitter.feed(data)]
        return units if self._in_pieces else [*units, *self._splitter.flush()]
