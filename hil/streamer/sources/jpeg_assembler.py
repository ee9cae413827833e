# SPDX-License-Identifier: Apache-2.0
"""Makes pictures of the buffers of a camera that gives JPEG: a whole picture, or a damaged one, of each."""

from __future__ import annotations

from dataclasses import replace

from vshm_ctypes.bitstream import AccessUnit, EntryPoint, StreamError, read_jpeg, whole_jpeg

from ..log import LOG
from .jpeg_decoder import JpegDecoder
from .source import Captured

_EOI = b"\xff\xd9"


def ended_jpeg(data: bytes) -> bytes:
    """Return a picture that lacks its end marker with one, without the zeros or fill bytes that pad it."""
    data = data.rstrip(b"\xff").rstrip(b"\0")
    return data + (b"\0" if data.endswith(b"\xff") else b"") + _EOI  # 00 belongs to an FF in coded data


class JpegAssembler:
    """Checks each picture. decodes: pictures are decoded, for channels of another codec, else passed on as they are."""

    def __init__(self, decoder: JpegDecoder, decodes: bool) -> None:
        self._decoder, self._decodes = decoder, decodes
        self._broken = False  # the next picture does not continue the last one
        self._is_told = self._is_looked_at = False

    def take(self, data: bytes, captured: Captured) -> list[Captured]:
        """Return the picture of a buffer with this content. captured: with a discontinuity if one was lost before."""
        self._broken = self._broken or captured.discontinuity
        try:
            found = self._picture(data, captured)
        except StreamError as error:
            self._tell(str(error))
            return self.lose(captured)
        self._broken = False
        return [found]

    def lose(self, captured: Captured) -> list[Captured]:
        """Return what a lost buffer leaves."""
        self._broken = True
        return [replace(captured, bad=True)]

    def _picture(self, data: bytes, captured: Captured) -> Captured:
        """Return the picture. Raises StreamError if it is damaged."""
        try:
            whole, is_ended = whole_jpeg(data), True
        except StreamError as error:
            try:
                whole, is_ended = whole_jpeg(ended_jpeg(data)), False
            except StreamError:
                raise error from None
        if not self._is_looked_at and read_jpeg(whole).is_field:
            self._tell("it gives interlaced pictures, as two JPEG pictures of half the height: the first is handed on")
        self._is_looked_at = True
        if self._decodes:
            return replace(captured, picture=self._decoder.decode(whole))
        self._decoder.check(whole, always=not is_ended)
        return replace(captured, unit=AccessUnit(whole, EntryPoint.IDR), discontinuity=self._broken)

    def _tell(self, what: str) -> None:
        if not self._is_told:
            self._is_told = True
            LOG.warning("of the camera's stream: %s", what)
