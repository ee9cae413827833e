# SPDX-License-Identifier: Apache-2.0
"""Makes access units of the buffers of a camera that encodes by itself, each with its own picture's time and number."""

from __future__ import annotations

import re
from dataclasses import replace

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, EntryPoint, Splitter, StreamError, read_jpeg, whole_jpeg

from ..log import LOG
from .source import Captured

SETTLES_AFTER = 3  # buffers
MOST_CAUTION = 300  # buffers
_START_CODE = re.compile(rb"\x00{2,}\x01")


class UnitAssembler:
    """Assembles access units, since cameras also deliver parameter sets, slices or parts of two pictures in a buffer.

    At first a picture counts as complete only when the next one starts. After some buffers that each start with a
    picture, the assembler settles: each buffer counts as complete, without waiting for the next. A buffer that starts
    in the middle of a picture makes it cautious again.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._splitter = Splitter(codec) if codec != Codec.JPEG else None
        self._broken = False  # the next access unit does not continue the last one
        self._is_told = self._is_looked_at = False
        self._is_closed = True  # the picture of the last buffer is complete
        self._in_pieces = False
        self._in_a_row = 0  # buffers in a row that started with a picture
        self._needed = SETTLES_AFTER

    @property
    def _is_settled(self) -> bool:
        return self._in_a_row >= self._needed

    def take(self, data: bytes, captured: Captured) -> list[Captured]:
        """Return what is complete now, and what turned out to be damaged, each dated by its first buffer.

        data: the content of one buffer. captured: with a discontinuity if the driver lost buffers before it.
        """
        if self._splitter is None:
            return [self._jpeg(data, captured)]
        found = self._gap(self._splitter) if captured.discontinuity else []
        is_torn = _START_CODE.match(data) is None  # it continues the previous buffer
        begins = False if is_torn else self._splitter.begins_picture(data)
        continues_nothing = self._is_closed if is_torn else begins is False and not self._splitter.has_picture
        if continues_nothing and not (self._in_pieces and self._broken):  # else it is counted already
            found.append(self._bad(captured))
        self._judge(begins)
        try:
            for unit, mark in self._splitter.feed(data, captured):
                found.append(self._whole(unit, mark))
            self._is_closed = self._is_settled and not self._splitter.lone_field
            if self._is_closed:
                found += [self._whole(unit, mark) for unit, mark in self._splitter.flush()]
        except StreamError as error:
            self._tell(str(error))
            found.append(self._bad(captured))
        return found

    def lose(self, captured: Captured) -> list[Captured]:
        """Return what a lost buffer leaves: it is empty, or its content can't be trusted."""
        if self._splitter is None:
            return [self._bad(captured)]
        found = self._gap(self._splitter)
        is_counted = bool(found) and found[-1].bad  # it belonged to the picture that is now damaged
        return found if is_counted else [*found, self._bad(captured)]

    def _gap(self, splitter: Splitter) -> list[Captured]:
        """Return what is pending before a gap: damaged if pictures come in pieces, complete if in one buffer each."""
        pending = [*splitter.flush()]
        found = [self._bad(mark) if self._in_pieces else self._whole(unit, mark) for unit, mark in pending]
        self._broken = self._is_closed = True
        return found

    def _judge(self, begins: bool | None) -> None:
        if begins:
            self._in_a_row += 1
            self._in_pieces = self._in_pieces and not self._is_settled
        elif begins is False:
            self._tell("a buffer begins in the middle of a picture: each is handed on when the next one begins")
            if self._is_settled:  # the sooner settling was wrong, the longer it takes next time
                soon = self._in_a_row < MOST_CAUTION
                self._needed = min(self._needed * 2, MOST_CAUTION) if soon else SETTLES_AFTER
            self._in_a_row, self._in_pieces = 0, True

    def _whole(self, unit: AccessUnit, mark: Captured) -> Captured:
        broken, self._broken = self._broken, False
        return replace(mark, unit=unit, discontinuity=broken)

    def _bad(self, mark: Captured) -> Captured:
        self._broken = True
        return replace(mark, bad=True)

    def _jpeg(self, data: bytes, captured: Captured) -> Captured:
        self._broken = self._broken or captured.discontinuity
        try:
            unit = AccessUnit(whole_jpeg(data), EntryPoint.IDR)
        except StreamError as error:
            self._tell(str(error))
            return self._bad(captured)
        if not self._is_looked_at and read_jpeg(unit.data).is_field:
            self._tell("it gives interlaced pictures, as two JPEG pictures of half the height: the first is handed on")
        self._is_looked_at = True
        return self._whole(unit, captured)

    def _tell(self, what: str) -> None:
        if not self._is_told:
            self._is_told = True
            LOG.warning("of the camera's stream: %s", what)
