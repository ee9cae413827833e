# SPDX-License-Identifier: Apache-2.0
"""Adds to each keyframe the parameter sets that it lacks: some encoders send them once, and viewers come later."""

from __future__ import annotations

from typing import Any

from ...bitstream import AccessUnit, ParameterSets, entry_point
from ...bridges.hand_over import HandOver
from ...codec import Codec
from ...decodable import SETS
from ...earlier import frames_before
from ...frame import Frame


class CompletingHandOver(HandOver[Frame]):
    """Hands over the frames of a ring, each keyframe with its parameter sets, if they are known.

    A muxer could not know them: it is started anew for each session, and has not seen what came before.
    """

    def __init__(self, ring: str, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self._ring = ring
        self._sets: ParameterSets | None = None

    def put(self, unit: Frame, size: int, *, keyframe: bool) -> None:
        """Put in the next frame, as HandOver does."""
        if keyframe and unit.codec in SETS:
            data = self._completed(unit)
            if len(data) != size:
                unit, size = Frame(unit._view, data), len(data)
        super().put(unit, size, keyframe=keyframe)

    def _completed(self, frame: Frame) -> bytes:
        codec = Codec(frame.codec)
        if self._sets is None or self._sets.codec != codec:
            self._sets = ParameterSets(codec)
            for earlier in frames_before(self._ring, frame.number):
                if earlier.codec == codec:
                    self._sets.learn(earlier.data)
        return self._sets.complete(AccessUnit(frame.data, entry_point(frame.data, codec))).data
