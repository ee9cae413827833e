# SPDX-License-Identifier: Apache-2.0
"""From the buffers of a camera that encodes by itself to access units, each with its own picture's time and number."""

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
    """A buffer holds a picture, as V4L2 wants it; but cameras put parameter sets, slices, or parts of two into buffers.

    It begins with caution: a picture counts as whole once the next one begins. After some buffers that each begin with
    a picture it settles, and takes what is in a buffer for whole, without waiting for the next. A buffer that begins in
    the middle of a picture makes it cautious again.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._splitter = Splitter(codec) if codec != Codec.JPEG else None
        self._broken = False  # what comes next does not follow from what was handed out
        self._is_told = self._is_looked_at = False
        self._is_closed = True  # nothing can go on with the last buffer
        self._in_pieces = False
        self._in_a_row = 0  # buffers that each began with a picture
        self._needed = SETTLES_AFTER

    @property
    def _is_settled(self) -> bool:
        return self._in_a_row >= self._needed

    def take(self, data: bytes, captured: Captured) -> list[Captured]:
        """What is whole now, and what turned out to be damaged, each dated by its first buffer.

        data: of one buffer. captured: with a discontinuity where the driver lost some in front of it.
        """
        if self._splitter is None:
            return [self._jpeg(data, captured)]
        found = self._gap(self._splitter) if captured.discontinuity else []
        is_torn = _START_CODE.match(data) is None  # it goes on where the last one ended
        begins = False if is_torn else self._splitter.begins_picture(data)
        continues_nothing = self._is_closed if is_torn else begins is False and not self._splitter.has_picture
        if continues_nothing and not (self._in_pieces and self._broken):  # then it is part of one that is counted
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
        """A buffer in which there is nothing, or nothing that can be believed."""
        if self._splitter is None:
            return [self._bad(captured)]
        found = self._gap(self._splitter)
        is_counted = bool(found) and found[-1].bad  # it was part of the picture that it broke
        return found if is_counted else [*found, self._bad(captured)]

    def _gap(self, splitter: Splitter) -> list[Captured]:
        """Something is missing: a picture that comes in pieces may lack one, one in a buffer of its own is whole."""
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
            if self._is_settled:  # the sooner it was wrong to settle, the longer it takes next time
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
