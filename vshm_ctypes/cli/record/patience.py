# SPDX-License-Identifier: Apache-2.0
"""Says why a recording does not begin, or does not go on after a gap."""

from __future__ import annotations

import time

from ...commandline.output import complain
from ...consumer import Consumer
from ...frame import Frame
from ..decodable import Picture

PATIENCE_S = 5.0


class Patience:
    """Told what becomes of the frames, it names the cause on stderr, once each time: nothing can be recorded."""

    def __init__(self, stream: Consumer) -> None:
        self._stream = stream
        self._since_s = time.monotonic()
        self._begun = self._told = False
        self._skipped = self._refused = 0
        self._refusals: set[str] = set()

    def recorded(self, picture: Picture) -> None:
        """A picture was recorded."""
        self._since_s = time.monotonic()
        self._begun, self._told, self._refused = True, False, 0
        if picture.begins:
            self._skipped = self._stream.info().skipped

    def refused(self, frame: Frame, refusal: str | None) -> None:
        """A frame could not be used; refusal: why, where that is for its writer to mend."""
        self._refused += 1
        if refusal is not None and refusal not in self._refusals:
            self._refusals.add(refusal)
            complain(f"frame {frame.number} {refusal}; the recording waits for a whole one")

    def look(self) -> None:
        """To be called from time to time."""
        if self._told or time.monotonic() - self._since_s < PATIENCE_S:
            return
        self._told = True
        frames = self._passed_over()
        if frames:
            advice = "its encoder's GOP is longer, or its writer flags none; the recording waits for one"
            complain(f"no keyframe came in {PATIENCE_S:g} s, among {frames} frames: {advice}")
        elif not self._begun:
            complain(
                f"no frame came in {PATIENCE_S:g} s: look whether its writer's camera delivers; the recording waits"
            )

    def end(self) -> int:
        """Nothing more comes. How many frames of the end, behind a gap, could not be recorded; it was said."""
        frames = self._passed_over()
        if self._begun and frames:
            complain(f"the last {frames} frames are not in the file: no keyframe came after the gap before them")
        return frames if self._begun else 0

    def end_early(self) -> None:
        """It was ended before it began: say what it waited for, unless that was said."""
        if self._begun or self._told or self._refusals:
            return
        frames = self._passed_over()
        if frames:
            complain(f"nothing was recorded: among {frames} frames was no keyframe; record for longer than its GOP")
        else:
            complain("nothing was recorded: no frame came; look whether its writer's camera delivers")

    def _passed_over(self) -> int:
        """Since the last picture that was recorded."""
        return self._refused + self._stream.info().skipped - self._skipped
