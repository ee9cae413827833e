# SPDX-License-Identifier: Apache-2.0
"""What every source of sound is: a source whose captures are sound."""

from __future__ import annotations

from abc import ABC, abstractmethod

from vshm_ctypes import Codec

from ..sources.source import Captured


class SoundSource(ABC):
    """What pictures have and sound has not."""

    width = height = 0
    fps = 0.0
    live = True
    codec: Codec | None = None
    name = ""

    @abstractmethod
    def open(self) -> None:
        """Begin. Raises SourceError."""

    @abstractmethod
    def read(self, timeout_s: float) -> Captured | None:
        """The next sound, dated by its first sample; None: none came in time. Raises SourceError, EOFError."""

    def want_keyframe(self) -> None:  # noqa: B027 - there is nothing to ask for
        """Every frame of sound is one."""

    def figures(self) -> dict[str, int]:
        """None."""
        return {}

    def close(self) -> None:  # noqa: B027 - a test tone has nothing to let go
        """Let go. Twice is fine."""
