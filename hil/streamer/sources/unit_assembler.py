# SPDX-License-Identifier: Apache-2.0
"""Makes access units of the buffers of a camera that encodes by itself, each with its own picture's time and number."""

from __future__ import annotations

import re
from dataclasses import replace

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, EntryPoint, ParameterSets, Splitter, StreamError, entry_point

from ..log import LOG
from .shapes import WHOLE, Shapes
from .slice_places import SlicePlaces
from .source import Captured

_START_CODE = re.compile(rb"\x00{2,}\x01")


class UnitAssembler:
    """Assembles access units of H.264 or H.265.

    Cameras also deliver parameter sets, slices or parts of two pictures in a buffer. Only the next picture tells for
    certain that a picture is complete. The assembler learns into which buffers the camera divides its pictures, and
    then hands each on with its last buffer. A buffer that goes on with a picture which was handed on makes it cautious
    again. Pictures that are divided by size have their last buffer anywhere, and wait for the next picture. sets: what
    is known of the stream already.
    """

    def __init__(self, codec: Codec, sets: ParameterSets | None = None) -> None:
        self.codec = codec
        self._sets = sets or ParameterSets(codec)
        self._splitter = Splitter(codec)
        self._places, self._shapes = SlicePlaces(codec), Shapes()
        self._is_key, self._shape = False, WHOLE  # of the pending picture, or of the last one
        self._broken = False  # the next access unit does not continue the last one
        self._is_told = False
        self._is_closed = True  # the picture of the last buffer is complete, or lost
        self._is_guessed = False  # the last picture was handed on before the next one began
        self._is_counted = False  # what was lost since the last begin of a picture is counted already

    def take(self, data: bytes, captured: Captured) -> list[Captured]:
        """Return what is complete now, and what turned out to be damaged, each dated by its first buffer.

        data: the content of one buffer. captured: with a discontinuity if the driver lost buffers before it.
        """
        found = self._gap() if captured.discontinuity else []
        is_torn = _START_CODE.match(data) is None  # it continues the previous buffer
        begins = False if is_torn else self._splitter.begins_picture(data)
        continues_nothing = self._is_closed if is_torn else begins is False and not self._splitter.has_picture
        if continues_nothing and not self._is_counted:
            found.append(self._bad(captured))
        self._is_closed = self._is_closed and is_torn
        self._judge(begins, None if is_torn else data)
        try:
            for unit, mark in self._splitter.feed(data, captured):
                found.append(self._whole(unit, mark))
                if not begins:  # the next picture begins within this buffer
                    self._shape = (None,)
            found += self._completed()
        except StreamError as error:
            self._tell(str(error))
            found.append(self._bad(captured))
        return found

    def lose(self, captured: Captured) -> list[Captured]:
        """Return what a lost buffer leaves: it is empty, or its content can't be trusted."""
        found = self._gap()
        is_counted = bool(found) and found[-1].bad  # it belonged to the picture that is now damaged
        return found if is_counted else [*found, self._bad(captured)]

    def _gap(self) -> list[Captured]:
        """Return what is pending before a gap, which is damaged unless all pictures come in one buffer each."""
        is_whole = self._shapes.is_likely_complete(self._is_key, self._shape)
        found = []
        for unit, mark in self._splitter.flush():
            if not is_whole:
                self._sets.learn(unit.data)  # for the next keyframe
            found.append(self._whole(unit, mark) if is_whole else self._bad(mark))
        self._broken = self._is_closed = True
        self._is_guessed = False
        return found

    def _judge(self, begins: bool | None, data: bytes | None) -> None:
        """Learn from a buffer. data: its content, or None if it begins within a slice."""
        place = None if data is None else self._places.first(data)
        if begins and data is not None:
            if self._splitter.has_picture or self._is_guessed:
                self._shapes.ended(self._is_key, self._shape)
            self._is_key, self._shape = self._is_entry(data), WHOLE
            self._is_counted = self._is_guessed = False
        elif begins is False:
            self._tell("a buffer begins in the middle of a picture: it comes in pieces")
            self._shapes.goes_on(self._is_entry(data) if data is not None else self._is_key)
            if self._is_guessed:
                self._shapes.went_on(self._is_key)
                self._is_guessed = False
            self._shape += (place,)

    def _is_entry(self, data: bytes) -> bool:
        return entry_point(data, self.codec) is not EntryPoint.NONE

    def _completed(self) -> list[Captured]:
        """Return the pending picture if it has no further buffer, by all that was learned."""
        splitter = self._splitter
        if not splitter.has_picture:
            return []
        self._is_closed = not splitter.lone_field and self._shapes.is_complete(self._is_key, self._shape)
        if not self._is_closed:
            return []
        self._is_guessed = True
        return [self._whole(unit, mark) for unit, mark in splitter.flush()]

    def _whole(self, unit: AccessUnit, mark: Captured) -> Captured:
        broken, self._broken = self._broken, False
        return replace(mark, unit=self._sets.complete(unit), discontinuity=broken)

    def _bad(self, mark: Captured) -> Captured:
        self._broken = self._is_counted = True
        return replace(mark, bad=True)

    def _tell(self, what: str) -> None:
        if not self._is_told:
            self._is_told = True
            LOG.warning("of the camera's stream: %s", what)
