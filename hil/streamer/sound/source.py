# SPDX-License-Identifier: Apache-2.0
"""The base class of all sources of sound."""

from __future__ import annotations

from abc import ABC, abstractmethod

from vshm_ctypes import Codec

from ..sources.source import Captured


class SoundSource(ABC):
    """The parts of Source that are the same for all sound."""

    width = height = 0
    fps = 0.0
    live = True
    codec: Codec | None = None
    name = ""

    @abstractmethod
    def open(self) -> None:
        """Start. Raises SourceError."""

    @abstractmethod
    def read(self, timeout_s: float) -> Captured | None:
        """Return the next frame of sound, with the time of its first sample, or None after timeout_s seconds.

        Raises SourceError or EOFError.
        """

    def want_keyframe(self) -> None:  # noqa: B027 - there is nothing to ask for
        """Do nothing: every frame of sound is a keyframe."""

    def figures(self) -> dict[str, int]:
        """Return no counters."""
        return {}

    def close(self) -> None:  # noqa: B027 - a test tone has nothing to release
        """Close the source. A second call does nothing."""
