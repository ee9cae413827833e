# SPDX-License-Identifier: Apache-2.0
"""Reports why a recording does not begin, or does not go on after a gap."""

from __future__ import annotations

import time

from ...commandline.output import complain
from ...consumer import Consumer
from ...decodable import Picture
from ...frame import Frame

PATIENCE_S = 5.0


class Patience:
    """Reports on stderr, once for each occasion, why nothing can be recorded."""

    def __init__(self, stream: Consumer) -> None:
        self._stream = stream
        self._since_s = time.monotonic()
        self._begun = self._told = False
        self._skipped = self._refused = 0
        self._refusals: set[str] = set()

    def recorded(self, picture: Picture) -> None:
        """Note that a picture was recorded."""
        self._since_s = time.monotonic()
        self._begun, self._told, self._refused = True, False, 0
        if picture.begins:
            self._skipped = self._stream.info().skipped

    def refused(self, frame: Frame, refusal: str | None) -> None:
        """Note that a frame could not be used, and why, if its writer can mend that."""
        self._refused += 1
        if refusal is not None and refusal not in self._refusals:
            self._refusals.add(refusal)
            complain(f"frame {frame.number} {refusal}; the recording waits for a whole one")

    def untaken(self, frame: Frame, file: str) -> None:
        """Report that the recording had to be ended while its file, such as a pipe, had no room for a frame."""
        self._told = True
        name = "stdout" if file == "-" else file
        complain(
            f"{name} takes no more, so frame {frame.number} is left out: look whether the program that reads it goes on"
        )

    def look(self) -> None:
        """Report if nothing was recorded for too long. Call this from time to time."""
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
        """Report, and return, how many frames after a last gap could not be recorded."""
        frames = self._passed_over()
        if self._begun and frames:
            complain(f"the last {frames} frames are not in the file: no keyframe came after the gap before them")
        return frames if self._begun else 0

    def end_early(self) -> None:
        """Report what the recording waited for if it was ended before it began, unless that was reported already."""
        if self._begun or self._told or self._refusals:
            return
        frames = self._passed_over()
        if frames:
            complain(f"nothing was recorded: among {frames} frames was no keyframe; record for longer than its GOP")
        else:
            complain("nothing was recorded: no frame came; look whether its writer's camera delivers")

    def _passed_over(self) -> int:
        """Return how many frames were not recorded since the last picture."""
        return self._refused + self._stream.info().skipped - self._skipped
