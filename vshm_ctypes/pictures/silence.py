# SPDX-License-Identifier: Apache-2.0
"""Says why no picture comes although frames do, which nothing but the ring's writer can mend."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING

from ..codec import codec_name
from ..printable import printable, shell_word

if TYPE_CHECKING:
    from ..consumer import Consumer

PATIENCE_S = 5.0
HOPELESS = 3  # frames that could not be decoded, and none before them that could


class Silence:
    """Warns once, with RuntimeWarning, while there has been no picture.

    is_over: whether there has been one, or a warning.
    """

    def __init__(self, ring: str) -> None:
        self._ring = ring
        self._looked_s = time.monotonic()
        self.is_over = False

    def until(self, deadline_s: float | None) -> float:
        """Return how long to wait for a frame before look() may have something to say, at most until deadline_s."""
        ends_s = self._looked_s + PATIENCE_S
        return max((ends_s if deadline_s is None else min(ends_s, deadline_s)) - time.monotonic(), 0)

    def look(self, stream: Consumer) -> None:
        """Warn where the ring has had frames for some seconds, and no keyframe among them."""
        if self.is_over or time.monotonic() < self._looked_s + PATIENCE_S:
            return
        self._looked_s = time.monotonic()
        skipped = stream.info().skipped
        if skipped:
            advice = "its encoder's GOP is longer, or its writer flags none"
            self._warn(f"no keyframe came in {PATIENCE_S:g} s, among {skipped} frames: {advice}")

    def damaged(self, count: int, codec: int | None) -> None:
        """Take how many frames could not be decoded, and warn if they are too many."""
        if count >= HOPELESS and not self.is_over:
            what = codec_name(codec) if codec is not None else "pictures"
            advice = f"`vshm check {shell_word(self._ring)}` looks for the cause"
            self._warn(f"no picture yet: {count} frames could not be decoded as {what}: {advice}")

    def _warn(self, text: str) -> None:
        self.is_over = True
        warnings.warn(f"{printable(self._ring)}: {text}", RuntimeWarning, stacklevel=3)
